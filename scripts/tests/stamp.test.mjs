// A product is made once, and again when one of its inputs changes or the product is gone.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { inRoot } from '../paths.mjs';
import { makeIfChanged } from '../setup/stamp.mjs';

fs.mkdirSync(inRoot('.cache'), { recursive: true });
const folder = fs.mkdtempSync(inRoot('.cache', 'stamp-test-'));
after(() => fs.rmSync(folder, { recursive: true }));

test('a product is made again only when it has to be', async () => {
  const relative = (name) => path.relative(inRoot(), path.join(folder, name));
  const input = path.join(folder, 'input');
  const product = path.join(folder, 'product');
  let made = 0;
  const ensure = () =>
    makeIfChanged({
      stamp: relative('stamp'),
      product: relative('product'),
      inputs: [relative('input')],
      make: async () => {
        made += 1;
        fs.writeFileSync(product, 'made');
      },
    });

  fs.writeFileSync(input, 'one');
  await ensure();
  await ensure();
  assert.equal(made, 1);

  fs.writeFileSync(input, 'two');
  await ensure();
  assert.equal(made, 2);

  fs.rmSync(product);
  await ensure();
  assert.equal(made, 3);
});

test('what failed to be made is tried again', async () => {
  const relative = (name) => path.relative(inRoot(), path.join(folder, name));
  const options = { stamp: relative('stamp-2'), product: relative('input'), inputs: [relative('input')] };
  await assert.rejects(makeIfChanged({ ...options, make: () => Promise.reject(new Error('no network')) }));
  let isMade = false;
  await makeIfChanged({
    ...options,
    make: async () => {
      isMade = true;
    },
  });
  assert.ok(isMade);
});
