import { isFinal, type FinalState, type Job, type JobError, type JsonObject } from './job.js';

/** Everything that can happen to an accepted job, except progress. */
export type JobTransition =
  | { type: 'started'; attempt: number }
  /** Back to the queue: the attempt failed and may be repeated, or was handed back. */
  | { type: 'requeued'; why: JobError }
  | { type: 'cancel-requested' }
  | { type: 'succeeded'; result: JsonObject; receipt: JsonObject }
  | { type: 'failed'; error: JobError }
  | { type: 'canceled'; error: JobError }
  | { type: 'expired'; error: JobError };

/** The part of a job that transitions change. */
export type JobStatus = Pick<
  Job,
  'state' | 'attempt' | 'isCancelRequested' | 'startedAt' | 'finishedAt' | 'progress' | 'result' | 'receipt' | 'error'
>;

/** A job was asked to do what it cannot in its state: a fault of ours, or a writer that lost its claim. */
export class IllegalTransitionError extends Error {
  override readonly name = 'IllegalTransitionError';

  constructor(
    readonly state: Job['state'],
    readonly transition: JobTransition['type'],
  ) {
    super(`a job that is ${state} cannot become ${transition}`);
  }
}

/**
 * queued -> running -> succeeded | failed | canceled | expired, with running -> queued for another attempt.
 * A final state is final: no transition leaves it.
 *
 * @throws IllegalTransitionError
 */
export function transitioned(job: JobStatus, transition: JobTransition, at: Date): JobStatus {
  if (isFinal(job.state)) throw new IllegalTransitionError(job.state, transition.type);
  switch (transition.type) {
    case 'started':
      return started(job, transition, at);
    case 'requeued':
      requireRunning(job, transition);
      return { ...job, state: 'queued', progress: null };
    case 'cancel-requested':
      requireRunning(job, transition);
      return { ...job, isCancelRequested: true };
    case 'succeeded':
      requireRunning(job, transition);
      return { ...ended(job, 'succeeded', at), result: transition.result, receipt: transition.receipt };
    case 'failed':
    case 'canceled':
    case 'expired':
    default:
      return { ...ended(job, transition.type, at), error: transition.error };
  }
}

/** A later attempt may start while an earlier one still counts as running: its end was never written. */
function started(job: JobStatus, transition: JobTransition & { type: 'started' }, at: Date): JobStatus {
  if (transition.attempt <= job.attempt) throw new IllegalTransitionError(job.state, transition.type);
  return { ...job, state: 'running', attempt: transition.attempt, startedAt: at, progress: null };
}

function ended(job: JobStatus, state: FinalState, at: Date): JobStatus {
  return { ...job, state, finishedAt: at, progress: null };
}

function requireRunning({ state }: JobStatus, { type }: JobTransition): void {
  if (state !== 'running') throw new IllegalTransitionError(state, type);
}
