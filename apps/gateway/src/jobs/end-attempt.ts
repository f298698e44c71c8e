import type { JobAttempt } from 'pg-boss';
import type { Transaction } from '../database/database.js';
import type { BossQueue } from './boss-queue.js';
import type { Job, JobError } from './domain/job.js';
import type { JobTransition } from './domain/transition.js';
import { attemptsExhausted, canceledByCaller, overdue } from './job-errors.js';
import { advance } from './job-log.js';
import { lockJob } from './job-rows.js';
import { readEntry } from './queue-entry.js';

/**
 * Ends an attempt that brought nothing: the job waits for the next one, or ends.
 *
 * @returns undefined when the attempt has lost its claim; nothing was written
 */
export async function endAttempt(
  tx: Transaction,
  queue: BossQueue,
  { attempt, why, pauseSeconds }: { attempt: JobAttempt; why: JobError; pauseSeconds: number },
): Promise<Job | undefined> {
  if (!(await queue.fail(tx, attempt, why))) return undefined;
  return afterFailedAttempt(tx, queue, { jobId: attempt.id, why, pauseSeconds });
}

/** Moves the job after its queue entry: pg-boss has failed the attempt and decided whether there is another. */
export async function afterFailedAttempt(
  tx: Transaction,
  queue: BossQueue,
  { jobId, why, pauseSeconds }: { jobId: string; why: JobError; pauseSeconds: number },
): Promise<Job> {
  const entry = await readEntry(tx, jobId);
  if (entry?.state === 'failed') return advance(tx, jobId, { type: 'failed', error: attemptsExhausted(why) });
  const ending = await endingOfWaiting(tx, jobId);
  if (ending !== undefined) {
    await queue.cancel(tx, jobId);
    return advance(tx, jobId, ending);
  }
  if (pauseSeconds > 0) await queue.postpone(tx, jobId, pauseSeconds);
  return advance(tx, jobId, { type: 'requeued', why });
}

/** How a job that waits must end now; undefined: it may go on waiting. */
export async function endingOfWaiting(tx: Transaction, jobId: string): Promise<JobTransition | undefined> {
  const locked = await lockJob(tx, jobId);
  if (locked === undefined) return undefined;
  const { job, now } = locked;
  if (job.isCancelRequested) return { type: 'canceled', error: canceledByCaller };
  return job.deadline !== null && job.deadline <= now ? { type: 'expired', error: overdue } : undefined;
}
