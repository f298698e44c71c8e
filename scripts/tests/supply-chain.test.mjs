// What may come into this software: install scripts that were allowed, licences that were allowed, files with digests.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import test from 'node:test';
import { inRoot } from '../paths.mjs';
import { isAllowed, licenceOf } from '../supply-chain/licences.mjs';

const json = (...parts) => JSON.parse(fs.readFileSync(inRoot(...parts), 'utf8'));
const nodePackages = Object.entries(json('package-lock.json').packages).filter(([place]) => place !== '');
const nameOf = (place) => place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length);

test('every package that would run a script at its installation was decided upon', () => {
  const { allowScripts } = json('package.json');
  const undecided = nodePackages.filter(
    ([place, one]) => one.hasInstallScript && !Object.hasOwn(allowScripts, nameOf(place)),
  );
  assert.deepEqual(
    undecided.map(([place]) => nameOf(place)),
    [],
  );
});

test('only the package that brings Node may run one', () => {
  const { allowScripts } = json('package.json');
  assert.deepEqual(
    Object.keys(allowScripts).filter((name) => allowScripts[name]),
    ['node'],
  );
});

test('every npm package has a digest', () => {
  const bare = nodePackages.filter(([, one]) => !one.link && !one.integrity);
  assert.deepEqual(
    bare.map(([place]) => place),
    [],
  );
});

test('no npm package that runs has a licence that nobody allowed', () => {
  const running = nodePackages.filter(([, one]) => !one.dev && !one.devOptional && !one.optional);
  const licences = running.map(([place, { license }]) => [
    nameOf(place),
    licenceOf({ name: nameOf(place), licenses: license ? [{ expression: license }] : [] }),
  ]);
  assert.deepEqual(
    licences.filter(([, licence]) => !isAllowed(licence)),
    [],
  );
});

test('every version in package.json is exact', () => {
  const { dependencies, devDependencies } = json('package.json');
  const loose = Object.entries({ ...dependencies, ...devDependencies }).filter(
    ([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version),
  );
  assert.deepEqual(loose, []);
});

for (const lock of [
  'requirements.lock',
  'requirements-dev.lock',
  'requirements-bench.lock',
  'requirements-fuzz.lock',
]) {
  test(`every package in ${lock} is exact and has a digest`, () => {
    const entries = fs
      .readFileSync(inRoot('worker-python', lock), 'utf8')
      .split(/\n(?=[A-Za-z0-9])/)
      .slice(1);
    assert.ok(entries.length > 2);
    for (const entry of entries) {
      assert.match(entry, /^[A-Za-z0-9._-]+==[^\s;]+/);
      assert.match(entry, /--hash=sha256:[0-9a-f]{64}/);
    }
  });
}

test('a choice of licences needs one that is allowed, a sum needs all', () => {
  assert.ok(isAllowed('(MIT OR GPL-3.0)'));
  assert.ok(isAllowed('Apache-2.0 AND BSD-3-Clause'));
  assert.ok(!isAllowed('MIT AND GPL-3.0'));
  assert.ok(!isAllowed('GPL-3.0'));
  assert.ok(!isAllowed('not stated'));
});
