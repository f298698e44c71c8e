import { expect, it } from 'vitest';

import { idempotencyKeyIn } from './idempotency-header.js';

it.each([
  ['8e03978e-40d5-43dd-bc93-6894a57f9324', '8e03978e-40d5-43dd-bc93-6894a57f9324'],
  ['"8e03978e"', '8e03978e'],
  ['"a\\"b\\\\c"', 'a"b\\c'],
  ['a"b', 'a"b'],
  ['!', '!'],
  ['a'.repeat(255), 'a'.repeat(255)],
  [`"${'a'.repeat(255)}"`, 'a'.repeat(255)],
])('reads %s', (header, key) => {
  expect(idempotencyKeyIn(header)).toBe(key);
});

it('has none without a header', () => {
  expect(idempotencyKeyIn(undefined)).toBeUndefined();
});

it.each(['', '""', '"', '"a', 'a b', '"a b"', 'a, b', 'ä', 'a\tb', '"a\\b"', 'a'.repeat(256), `"${'a'.repeat(256)}"`])(
  'refuses %j',
  (header) => {
    expect(() => idempotencyKeyIn(header)).toThrow(expect.objectContaining({ reason: 'idempotency-key-invalid' }));
  },
);
