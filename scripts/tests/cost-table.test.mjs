// The cost table is arithmetic that a person can repeat.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { costs } from '../docs/cost-table.mjs';

test('a picture of 100 TFLOP at half of 100 TFLOP/s takes two seconds', () => {
  const machine = { type: 'm', gpu: 'g', tflops: 100, usd_per_hour: 9 };
  const model = {
    tflop_per_image: 100,
    share: 0.5,
    instances: [
      { ...machine, gpus: 1 },
      { ...machine, gpus: 4 },
    ],
  };
  const [one, four] = costs(model);
  assert.equal(one.secondsPerImage, 2);
  assert.equal(one.imagesPerHour, 1800);
  assert.equal(one.usdPerThousand, 5);
  assert.equal(four.secondsPerImage, 2);
  assert.equal(four.imagesPerHour, 7200);
  assert.equal(four.usdPerThousand, 1.25);
});
