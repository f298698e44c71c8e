import { describe, expect, it } from 'vitest';
import { DomainError } from '../errors/domain-error.js';
import type { Reason } from '../errors/reason.js';
import { endingOfRun, runAborts } from './ending-of-run.js';
import { FencedError } from './fenced.error.js';

const thrownFor = (reason: Reason): DomainError => new DomainError(reason, 'because');

// What becomes of a job whose run failed.
describe('the ending of a run', () => {
  it.each(['worker-unavailable', 'storage-unavailable', 'gpu-out-of-memory', 'canceled'] as const)(
    'tries again after %s',
    (reason) => {
      expect(endingOfRun(thrownFor(reason), undefined)).toEqual({ type: 'retry', why: { reason, detail: 'because' } });
    },
  );

  it.each(['starting', 'draining', 'queue-full'] as const)(
    'does not count an attempt the worker refused: %s',
    (reason) => {
      expect(endingOfRun(thrownFor(reason), undefined)).toMatchObject({ type: 'release', pauseSeconds: 1 });
    },
  );

  it('does not count an attempt that the store was not even asked for', () => {
    const error = new DomainError('storage-unavailable', 'because', { retryAfterSeconds: 5 });
    expect(endingOfRun(error, undefined)).toMatchObject({ type: 'release', pauseSeconds: 5 });
  });

  it.each(['avatar-not-found', 'avatar-invalid', 'lora-not-found', 'generation-failed'] as const)(
    'fails at once after %s',
    (reason) => {
      const ending = { type: 'failed', error: { reason, detail: 'because' } };
      expect(endingOfRun(thrownFor(reason), undefined)).toEqual({ type: 'complete', ending });
    },
  );

  it('tells nothing of an unknown error', () => {
    const failure = endingOfRun(new Error('secret'), undefined);
    expect(failure).toMatchObject({ type: 'complete', ending: { type: 'failed', error: { reason: 'internal' } } });
    expect(JSON.stringify(failure)).not.toContain('secret');
  });

  it.each([
    ['canceled', { type: 'complete', ending: { type: 'canceled' } }],
    ['overdue', { type: 'complete', ending: { type: 'expired', error: { reason: 'deadline-exceeded' } } }],
    ['hung', { type: 'retry', why: { reason: 'worker-unavailable' } }],
    ['draining', { type: 'release', pauseSeconds: 0 }],
  ] as const)('goes by why it was aborted, not by what was thrown then: %s', (abort, expected) => {
    expect(endingOfRun(thrownFor('generation-failed'), runAborts[abort]())).toMatchObject(expected);
  });

  it.each([
    ['the worker died', thrownFor('worker-unavailable'), undefined],
    ['the worker hung', thrownFor('canceled'), runAborts.hung()],
  ])('does not count an attempt that had not begun: %s', (_, thrown, abort) => {
    const why = { reason: 'worker-unavailable' };
    expect(endingOfRun(thrown, abort, { hasBegun: true })).toMatchObject({ type: 'retry', why });
    expect(endingOfRun(thrown, abort, { hasBegun: false })).toMatchObject({ type: 'release', why, pauseSeconds: 1 });
  });

  it('ends for good what cannot be drawn, begun or not', () => {
    const failure = endingOfRun(thrownFor('avatar-invalid'), undefined, { hasBegun: false });
    expect(failure).toMatchObject({ type: 'complete', ending: { type: 'failed' } });
  });

  it('leaves the job alone when the lease is lost', () => {
    expect(endingOfRun(thrownFor('canceled'), new FencedError('id', 1))).toEqual({ type: 'abandon' });
  });
});
