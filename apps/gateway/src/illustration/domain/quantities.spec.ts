import { expect, it } from 'vitest';

import { bytesInWords, secondsInWords } from './quantities.js';

it.each([
  [0, '0 bytes'],
  [999, '999 bytes'],
  [1500, '1.5 kB'],
  [123_456_789, '123 MB'],
  [999_960_000, '1000 MB'],
  [6_938_040_682, '6.9 GB'],
  [5e15, '5000 TB'],
])('says %d bytes as %s', (bytes, words) => {
  expect(bytesInWords(bytes)).toBe(words);
});

it.each([
  [0.2, '1 s'],
  [34.2, '35 s'],
  [119.5, '120 s'],
  [121, '3 min'],
  [7200, '2 h'],
])('says %d s as %s', (seconds, words) => {
  expect(secondsInWords(seconds)).toBe(words);
});
