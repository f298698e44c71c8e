import fs from 'node:fs';
import path from 'node:path';
import { inRoot } from '../../scripts/paths.mjs';
import zlib from 'node:zlib';
import { canary } from '../../scripts/privacy/canary.mjs';

/**
 * The sample portrait: a JPEG, stored under a `.png` key as AutoBio does. It has a comment, as a camera writes a place into
 * a photograph.
 */
export const portrait = withComment(fs.readFileSync(path.join(inRoot(), 'samples', 'portrait.jpg')), canary);

/** Another person, as far as an image encoder can tell: a PNG of coloured stripes. */
export function stripes(width = 64, height = 64): Buffer {
  const rows = Array.from({ length: height }, (_, y) => {
    const row = Buffer.alloc(1 + width * 3);
    for (let x = 0; x < width; x += 1) row.set([(x * 37) % 256, (y * 11) % 256, (x * y) % 256], 1 + x * 3);
    return row;
  });
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', zlib.deflateSync(Buffer.concat(rows))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** As the first segment of a JPEG. */
function withComment(jpeg: Buffer, text: string): Buffer {
  const comment = Buffer.from(text);
  const segment = Buffer.concat([Buffer.from([0xff, 0xfe, 0, comment.length + 2]), comment]);
  return Buffer.concat([jpeg.subarray(0, 2), segment, jpeg.subarray(2)]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(zlib.crc32(body), body.length + 4);
  return framed;
}
