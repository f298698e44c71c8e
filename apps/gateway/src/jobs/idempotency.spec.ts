import { expect, it } from 'vitest';
import { hashRequest } from './idempotency.js';

it('takes two spellings of one request for one', () => {
  const one = hashRequest({ user_id: 'u', prompt: 'p', seed: undefined, nested: { a: [1, 2], b: null } });
  expect(hashRequest({ nested: { b: null, a: [1, 2] }, prompt: 'p', user_id: 'u' })).toBe(one);
});

it.each([
  [{ prompt: 'p' }, { prompt: 'q' }],
  [{ a: [1, 2] }, { a: [2, 1] }],
  [{ a: '1' }, { a: 1 }],
  [{ a: null }, {}],
  [{ a: { b: 1 } }, { a: 1, b: 1 }],
])('tells %j from %j', (one, other) => {
  expect(hashRequest(one)).not.toBe(hashRequest(other));
});
