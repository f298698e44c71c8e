import { expect, it } from 'vitest';

import { pngSize } from './png-size.js';
import { encodeGreyscalePng } from './worker/png.js';

const png = encodeGreyscalePng(new Uint8Array(24 * 16).fill(7), 24, 16);

it('reads the size of a whole PNG', () => {
  expect(pngSize(png)).toEqual({ width: 24, height: 16 });
});

it('takes no part of a PNG for one', () => {
  for (let length = 0; length < png.length; length += 1) expect(pngSize(png.subarray(0, length))).toBeUndefined();
});

it('sees every damaged bit', () => {
  for (let at = 0; at < png.length; at += 1) {
    const damaged = Buffer.from(png);
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    expect(pngSize(damaged), `byte ${at}`).toBeUndefined();
  }
});

it('takes neither what follows nor another format', () => {
  expect(pngSize(Buffer.concat([png, Buffer.from([0])]))).toBeUndefined();
  expect(pngSize(Buffer.from('not a picture'))).toBeUndefined();
});
