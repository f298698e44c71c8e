// A field that a definition does not know is refused, and what it leaves open stays open.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { strict } from '../deploy/custom-resource-schemas.mjs';

test('unknown fields are refused at every level, metadata is left alone', () => {
  const made = strict(
    { type: 'object', properties: { metadata: { type: 'object' }, spec: { type: 'object', properties: { a: {} } } } },
    true,
  );
  assert.equal(made.additionalProperties, false);
  assert.equal(made.properties.spec.additionalProperties, false);
  assert.deepEqual(made.properties.metadata, { type: 'object' });
});

test('maps and fields that are to be kept stay open', () => {
  const labels = { type: 'object', additionalProperties: { type: 'string' } };
  const kept = { type: 'object', properties: { a: {} }, 'x-kubernetes-preserve-unknown-fields': true };
  const made = strict({ properties: { labels, kept } });
  assert.deepEqual(made.properties.labels, labels);
  assert.equal(made.properties.kept.additionalProperties, undefined);
});

test('a field may be called "properties"', () => {
  const made = strict({ properties: { properties: { type: 'string' } } });
  assert.deepEqual(made.properties.properties, { type: 'string' });
});

test('a number or a text is either', () => {
  assert.deepEqual(strict({ 'x-kubernetes-int-or-string': true, anyOf: [] }), { type: ['string', 'integer'] });
});
