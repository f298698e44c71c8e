import { array, assert, constant, constantFrom, integer, oneof, property, record, type Arbitrary } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { finalStates, isFinal, jobStates, type JobError } from './job.js';
import { IllegalTransitionError, transitioned, type JobStatus, type JobTransition } from './transition.js';

const at = new Date('2026-01-01T00:00:00Z');
const error: JobError = { reason: 'internal', detail: 'x' };

const queued: JobStatus = {
  state: 'queued',
  attempt: 0,
  isCancelRequested: false,
  startedAt: null,
  finishedAt: null,
  progress: null,
  result: null,
  receipt: null,
  error: null,
};
const running = transitioned(queued, { type: 'started', attempt: 1 }, at);
const succeeded: JobTransition = { type: 'succeeded', result: { url: 'u' }, receipt: { seed: 1 } };

/** The job as it was when the transition is refused. */
function unlessIllegal(job: JobStatus, transition: JobTransition): JobStatus {
  try {
    return transitioned(job, transition, at);
  } catch (refusal) {
    if (refusal instanceof IllegalTransitionError) return job;
    throw refusal;
  }
}

describe('the states of a job', () => {
  it('starts, and succeeds with result and receipt', () => {
    expect(running).toMatchObject({ state: 'running', attempt: 1, startedAt: at });
    expect(transitioned(running, succeeded, at)).toMatchObject({
      state: 'succeeded',
      finishedAt: at,
      result: { url: 'u' },
      receipt: { seed: 1 },
      error: null,
    });
  });

  it('goes back to the queue for another attempt, and forgets its progress', () => {
    const halfway = { ...running, progress: { step: 3, total: 20, image: 1, images: 1 } };
    const waiting = transitioned(halfway, { type: 'requeued', why: error }, at);
    expect(waiting).toMatchObject({ state: 'queued', attempt: 1, progress: null });
    expect(transitioned(waiting, { type: 'started', attempt: 2 }, at)).toMatchObject({ state: 'running', attempt: 2 });
  });

  it('starts no attempt twice', () => {
    expect(() => transitioned(running, { type: 'started', attempt: 1 }, at)).toThrow(IllegalTransitionError);
  });

  it.each(['failed', 'canceled', 'expired'] as const)('may become %s with or without a run', (type) => {
    expect(transitioned(queued, { type, error }, at)).toMatchObject({ state: type, error, finishedAt: at });
    expect(transitioned(running, { type, error }, at)).toMatchObject({ state: type, error });
  });

  it.each([{ type: 'requeued', why: error }, { type: 'cancel-requested' }, succeeded] as const)(
    'needs a run to be $type',
    (transition) => {
      expect(() => transitioned(queued, transition, at)).toThrow(IllegalTransitionError);
    },
  );

  const anyTransition: Arbitrary<JobTransition> = oneof(
    record({ type: constant('started' as const), attempt: integer({ min: 0, max: 5 }) }),
    constant<JobTransition>({ type: 'requeued', why: error }),
    constant<JobTransition>({ type: 'cancel-requested' }),
    constant(succeeded),
    constantFrom(...(['failed', 'canceled', 'expired'] as const)).map((type) => ({ type, error })),
  );

  it('ends once, whatever is asked of it in whatever order', () => {
    assert(
      property(array(anyTransition, { maxLength: 30 }), (transitions) => {
        let job = queued;
        let endings = 0;
        for (const transition of transitions) {
          const before = job;
          job = unlessIllegal(job, transition);
          if (job === before) continue;
          expect(isFinal(before.state)).toBe(false);
          expect(job.attempt).toBeGreaterThanOrEqual(before.attempt);
          if (isFinal(job.state)) endings += 1;
        }
        expect(endings).toBe(isFinal(job.state) ? 1 : 0);
        expect(job.finishedAt !== null).toBe(isFinal(job.state));
        expect(job.result !== null).toBe(job.state === 'succeeded');
        expect(job.error !== null).toBe(isFinal(job.state) && job.state !== 'succeeded');
      }),
      { numRuns: 2000 },
    );
  });

  it('has four final states among six', () => {
    expect(jobStates.filter((state) => isFinal(state))).toEqual([...finalStates]);
  });
});
