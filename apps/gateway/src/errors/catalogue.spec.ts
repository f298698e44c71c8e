import { describe, expect, it } from 'vitest';

import { Reason as WireReason } from '../generated/autobio/errors/v1/errors.js';
import { catalogue } from './catalogue.js';
import { DomainError } from './domain-error.js';
import { problemHeaders, toProblem } from './problem.js';
import { fromWireReason, isReason, toWireReason } from './reason-names.js';

// Record<Reason, ...> makes the compiler prove that the catalogue has exactly the reasons of the type.
const reasons = Object.keys(catalogue).filter(isReason);

const wireNames = Object.keys(WireReason)
  .filter((name) => name.startsWith('REASON_') && name !== 'REASON_UNSPECIFIED')
  .map((name) => name.slice('REASON_'.length));

describe('the error catalogue', () => {
  it('has exactly the reasons of the contract', () => {
    expect(reasons.map(toWireReason).toSorted()).toEqual(wireNames.toSorted());
  });

  it.each(reasons)('names %s the same way back and forth', (reason) => {
    expect(fromWireReason(toWireReason(reason))).toBe(reason);
  });

  it.each(['', 'UNSPECIFIED', 'avatar-not-found', 'TO_STRING', 'NEWER_THAN_THIS_GATEWAY'])(
    'does not know %j',
    (name) => {
      expect(fromWireReason(name)).toBeUndefined();
    },
  );

  it.each(reasons)('gives %s a complete problem', (reason) => {
    const problem = toProblem(new DomainError(reason, 'why'), { path: '/v1/x', requestId: 'r1' });
    expect(problem).toEqual({
      type: `https://autobio.example/problems/${reason}`,
      title: expect.stringMatching(/^[A-Z].*[^.]$/),
      status: expect.any(Number),
      detail: 'why',
      instance: '/v1/x',
      error: reason,
      request_id: 'r1',
      retryable: expect.any(Boolean),
    });
    expect(problem.status).toBeGreaterThanOrEqual(400);
    expect(problem.status).toBeLessThan(600);
  });

  it('has a Retry-After for every 429 and 503', () => {
    const withoutOne = reasons
      .filter((reason) => [429, 503].includes(catalogue[reason].httpStatus))
      .filter((reason) => !/^[1-9]\d*$/.test(problemHeaders(new DomainError(reason, 'why'))['Retry-After'] ?? ''));
    expect(withoutOne).toEqual([]);
  });

  it("takes the error's own time for Retry-After, in whole seconds", () => {
    expect(problemHeaders(new DomainError('queue-full', 'why', { retryAfterSeconds: 2.1 }))['Retry-After']).toBe('3');
  });
});
