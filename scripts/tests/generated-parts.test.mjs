// A generated part is replaced between its markers and nothing else changes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { replacePart } from '../docs/generated-parts.mjs';

test('only what stands between the markers changes', () => {
  const page = 'before\n<!-- begin:x -->\nold\n<!-- end:x -->\nafter';
  assert.equal(replacePart(page, 'x', 'new'), 'before\n<!-- begin:x -->\n\nnew\n\n<!-- end:x -->\nafter');
  assert.equal(replacePart(replacePart(page, 'x', 'new'), 'x', 'new'), replacePart(page, 'x', 'new'));
});

test('a page without the markers is refused', () => {
  assert.throws(() => replacePart('no markers', 'x', 'new'), /markers/);
});
