import type { Transaction } from '../database/database.js';
import { eventData } from './domain/job-event.js';
import { isFinal, type Job } from './domain/job.js';
import { transitioned, type JobTransition } from './domain/transition.js';
import { chargeSql, gpuSecondsOf } from './gpu-usage.js';
import { lockJob, type LockedJob } from './job-rows.js';
import { eventsChannel } from './job-notice.js';
import { jobMoved } from './job-signals.js';

/**
 * The only way a job changes: the row's new state, the event with the next number and the notification, all in the
 * caller's transaction. The row lock makes the numbers of a job's events commit in their order.
 *
 * Whoever locks both takes the queue's row first and the job's row second, or two of them would wait for each other.
 *
 * @returns the job as it is now
 * @throws IllegalTransitionError
 */
export async function advance(tx: Transaction, jobId: string, transition: JobTransition): Promise<Job> {
  const locked = await lockJob(tx, jobId);
  if (locked === undefined) throw new Error(`job ${jobId} is in the queue and nowhere else`);
  return advanceLocked(tx, locked, transition);
}

/**
 * As `advance`, for a job whose row the transaction has locked. What an ended job leaves unfinished goes
 * with its end, and what it took of the GPU is put on its tenant's account.
 */
export async function advanceLocked(tx: Transaction, locked: LockedJob, transition: JobTransition): Promise<Job> {
  const job = { ...locked.job, ...transitioned(locked.job, transition, locked.now), lastSeq: locked.job.lastSeq + 1 };
  await tx.query(
    `WITH moved AS (
       UPDATE illustration.jobs SET state = $2, attempt = $3, is_cancel_requested = $4, started_at = $5,
         finished_at = $6, progress = $7::text::jsonb, result = $8::text::jsonb, receipt = $9::text::jsonb,
         error = $10::text::jsonb, last_seq = $11
       WHERE id = $1::uuid
     ), logged AS (
       INSERT INTO illustration.job_events (job_id, seq, type, data) VALUES ($1::uuid, $11, $12, $13::text::jsonb)
     ), previews AS (
       DELETE FROM illustration.job_previews WHERE job_id = $1::uuid AND $14::boolean
     ), checkpoints AS (
       DELETE FROM illustration.job_checkpoints WHERE job_id = $1::uuid AND $14::boolean
     ), charged AS (
       ${chargeSql('$15', '$16')}
     )
     SELECT pg_notify('${eventsChannel}', $1::text || ':' || $11::text || ':' || $12::text)`,
    [
      job.id,
      job.state,
      job.attempt,
      job.isCancelRequested,
      job.startedAt,
      job.finishedAt,
      toJson(job.progress),
      toJson(job.result),
      toJson(job.receipt),
      toJson(job.error),
      job.lastSeq,
      transition.type,
      JSON.stringify(eventData(transition)),
      isFinal(job.state),
      job.tenant,
      job.state === 'succeeded' ? gpuSecondsOf(job) : 0,
    ],
  );
  tx.afterCommit(() => jobMoved.send({ job, transition }));
  return job;
}

function toJson(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value);
}
