import assert from 'node:assert/strict';
import test from 'node:test';
import { builtInModel, modelSources, sketchModel, sketchSteps } from '../service/models.mjs';

test('the built-in model draws where nobody names one, in as many steps as it needs', () => {
  const given = Object.fromEntries(modelSources.map((name) => [name, '']));
  assert.deepEqual(builtInModel(given), { ...sketchModel, DEFAULT_NUM_INFERENCE_STEPS: sketchSteps });
  assert.equal(builtInModel({ DEFAULT_NUM_INFERENCE_STEPS: '30' }).DEFAULT_NUM_INFERENCE_STEPS, '30');
});

for (const name of modelSources) {
  test(`${name} names another, which keeps the service's own number of steps`, () => {
    assert.deepEqual(builtInModel({ [name]: 'mine' }), {});
  });
}
