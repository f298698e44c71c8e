import { expect, it } from 'vitest';

import { preferenceApplied, toPreference } from './preference.js';

it.each<[string | undefined, ReturnType<typeof toPreference>, string | undefined]>([
  [undefined, { isAsync: false }, undefined],
  ['', { isAsync: false }, undefined],
  ['respond-async', { isAsync: true }, 'respond-async'],
  ['Respond-Async', { isAsync: true }, 'respond-async'],
  ['wait=10', { isAsync: false, waitSeconds: 10 }, 'wait=10'],
  ['wait = "10"', { isAsync: false, waitSeconds: 10 }, 'wait=10'],
  ['wait=0', { isAsync: false, waitSeconds: 0 }, 'wait=0'],
  ['wait=500', { isAsync: false, waitSeconds: 110 }, 'wait=110'],
  ['respond-async, wait=10', { isAsync: true, waitSeconds: 10 }, 'respond-async, wait=10'],
  ['respond-async; foo="bar", wait=10;x', { isAsync: true, waitSeconds: 10 }, 'respond-async, wait=10'],
  ['wait=5, wait=7', { isAsync: false, waitSeconds: 5 }, 'wait=5'],
  ['return=minimal', { isAsync: false }, undefined],
  ['wait=soon', { isAsync: false }, undefined],
  ['wait=-1', { isAsync: false }, undefined],
  ['wait', { isAsync: false }, undefined],
  [';;,,=', { isAsync: false }, undefined],
])('reads %j', (header, preference, applied) => {
  expect(toPreference(header)).toEqual(preference);
  expect(preferenceApplied(preference, false)).toBe(applied);
});

it('does not claim to have answered without the pictures when it has not', () => {
  expect(preferenceApplied({ isAsync: true, waitSeconds: 10 }, true)).toBe('wait=10');
  expect(preferenceApplied({ isAsync: true }, true)).toBeUndefined();
});

it('takes no time over a long header', () => {
  const startedMs = performance.now();
  toPreference(`${'a='.repeat(8000)},${' '.repeat(8000)};${'"'.repeat(8000)}`);
  expect(performance.now() - startedMs).toBeLessThan(200);
});
