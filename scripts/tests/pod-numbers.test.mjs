// A scale test goes on until the cores have ended, and no further.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { podNumbers } from '../service/pod-numbers.mjs';

test('pods double up to two a core', () => {
  assert.deepEqual(podNumbers(1), [1, 2]);
  assert.deepEqual(podNumbers(2), [1, 2, 4]);
  assert.deepEqual(podNumbers(3), [1, 2, 4]);
  assert.deepEqual(podNumbers(8), [1, 2, 4, 8, 16]);
});

test('a large machine is not filled', () => {
  assert.equal(podNumbers(192).at(-1), 32);
});
