// The metrics of an expression are found with the labels that they need.
import assert from 'node:assert/strict';
import test from 'node:test';
import { metricsIn } from '../docs/promql.mjs';

test('a metric is found with the labels it is selected by', () => {
  assert.deepEqual(metricsIn('rate(illustration_a_total{kind="memory", state!~"x|y"}[5m]) > 0.1 * up'), [
    { name: 'illustration_a_total', labels: ['kind', 'state'] },
    { name: 'up', labels: [] },
  ]);
});

test('labels of an aggregation belong to what is inside of it alone', () => {
  const expr = 'sum by (le, kind) (rate(illustration_a_bucket[5m])) / sum(illustration_b)';
  assert.deepEqual(metricsIn(expr), [
    { name: 'illustration_a_bucket', labels: ['le', 'kind'] },
    { name: 'illustration_b', labels: [] },
  ]);
});

test('names in texts and names of functions are none', () => {
  assert.deepEqual(metricsIn('absent(up{job="illustration_gateway"} == 1)'), [{ name: 'up', labels: ['job'] }]);
  assert.deepEqual(metricsIn('illustration:jobs_bad:ratio5m > 0'), [
    { name: 'illustration:jobs_bad:ratio5m', labels: [] },
  ]);
});
