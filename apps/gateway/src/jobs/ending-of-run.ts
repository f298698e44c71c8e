import { DomainError } from '../errors/domain-error.js';
import type { Reason } from '../errors/reason.js';
import { toDomainError } from '../errors/to-domain-error.js';
import type { JobEnding } from './domain/job-event.js';
import { toJobError, type JobError } from './domain/job.js';
import { FencedError } from './fenced.error.js';

/** What becomes of a job whose run brought no result. */
export type RunFailure =
  | { type: 'complete'; ending: JobEnding }
  | { type: 'retry'; why: JobError }
  /** The attempt does not count. */
  | { type: 'release'; why: JobError; pauseSeconds: number }
  /** Somebody else has the job. */
  | { type: 'abandon' };

/** The next attempt may find what was missing. `canceled` without our asking: the worker went away. */
const worthAnotherAttempt: ReadonlySet<Reason> = new Set([
  'worker-unavailable',
  'storage-unavailable',
  'gpu-out-of-memory',
  'canceled',
]);

/** The worker did not take the job at all. */
const refused: ReadonlySet<Reason> = new Set(['starting', 'draining', 'queue-full']);

const refusedPauseSeconds = 1;

/** Why we ended the run ourselves. */
export const runAborts = {
  canceled: () => new DomainError('canceled', 'The request was cancelled.'),
  overdue: () => new DomainError('deadline-exceeded', 'The deadline passed before the illustration was drawn.'),
  hung: () => new DomainError('worker-unavailable', 'The worker made no progress for too long.'),
  draining: () => new DomainError('draining', 'The service is shutting down.'),
} as const;

/**
 * @param abortReason why the run was aborted; undefined: it was not
 * @param hasBegun false: the job was still waiting for its turn with the worker. What befell the worker is not its
 *   fault then: else a job that kills its worker would take those behind it along, attempt by attempt.
 */
export function endingOfRun(
  thrown: unknown,
  abortReason: unknown,
  { hasBegun }: { hasBegun: boolean } = { hasBegun: true },
): RunFailure {
  const failure = failureOf(thrown, abortReason);
  if (failure.type !== 'retry' || hasBegun) return failure;
  return { type: 'release', why: failure.why, pauseSeconds: refusedPauseSeconds };
}

function failureOf(thrown: unknown, abortReason: unknown): RunFailure {
  if (abortReason instanceof FencedError) return { type: 'abandon' };
  if (abortReason instanceof DomainError) return endingOfAbort(abortReason);
  const error = toDomainError(thrown);
  const why = toJobError(error);
  // Nothing was tried: the dependency is known to be away, and is asked again at that time.
  const pauseSeconds = error.options.retryAfterSeconds;
  if (error.reason === 'storage-unavailable' && pauseSeconds !== undefined)
    return { type: 'release', why, pauseSeconds };
  if (worthAnotherAttempt.has(error.reason)) return { type: 'retry', why };
  if (refused.has(error.reason)) return { type: 'release', why, pauseSeconds: refusedPauseSeconds };
  if (error.reason === 'deadline-exceeded') return { type: 'complete', ending: { type: 'expired', error: why } };
  return { type: 'complete', ending: { type: 'failed', error: why } };
}

function endingOfAbort(error: DomainError): RunFailure {
  const why = toJobError(error);
  if (error.reason === 'canceled') return { type: 'complete', ending: { type: 'canceled', error: why } };
  if (error.reason === 'deadline-exceeded') return { type: 'complete', ending: { type: 'expired', error: why } };
  if (error.reason === 'draining') return { type: 'release', why, pauseSeconds: 0 };
  return { type: 'retry', why };
}
