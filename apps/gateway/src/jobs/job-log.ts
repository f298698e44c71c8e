import type { Transaction } from '../database/database.js';
import { eventData, type JobEnding } from './domain/job-event.js';
import type { Job } from './domain/job.js';
import { transitioned, type JobTransition } from './domain/transition.js';
import { chargeSql, gpuSecondsOf } from './gpu-usage.js';
import { jobColumns, lockJob, type LockedJob } from './job-rows.js';
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

/** As `advance`, for a job whose row the transaction has locked. */
export async function advanceLocked(tx: Transaction, locked: LockedJob, transition: JobTransition): Promise<Job> {
  const job = { ...locked.job, ...transitioned(locked.job, transition, locked.now), lastSeq: locked.job.lastSeq + 1 };
  await tx.query(move, [
    job.id,
    transition.type,
    JSON.stringify(eventData(transition)),
    job.state === 'succeeded' ? gpuSecondsOf(job) : 0,
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
  ]);
  tx.afterCommit(() => jobMoved.send({ job, transition }));
  return job;
}

/**
 * As `advance`, for the end of a job that runs: in one statement, because its caller waits.
 *
 * @returns undefined when the job does not run in that attempt; nothing was written
 */
export async function endRunning(
  tx: Transaction,
  { jobId, attempt, ending }: { jobId: string; attempt: number; ending: JobEnding },
): Promise<Job | undefined> {
  const isSuccess = ending.type === 'succeeded';
  const [ended] = await tx.query<Job & { told: unknown }>(end, [
    jobId,
    ending.type,
    JSON.stringify(eventData(ending)),
    isSuccess ? gpuSecondsOf(ending) : 0,
    attempt,
    isSuccess ? JSON.stringify(ending.result) : null,
    isSuccess ? JSON.stringify(ending.receipt) : null,
    isSuccess ? null : JSON.stringify(ending.error),
  ]);
  if (ended === undefined) return undefined;
  const { told: _, ...job } = ended;
  tx.afterCommit(() => jobMoved.send({ job, transition: ending }));
  return job;
}

/**
 * What goes with a change of a job, as parts of the statement that has its changed row as `moved` and as parameters the
 * job's id, the event's type and data, and the seconds that it took of the GPU: the event, the end of what an ended job
 * leaves unfinished, and what is put on its tenant's account.
 */
const alongside = `
  logged AS (
    INSERT INTO illustration.job_events (job_id, seq, type, data) SELECT id, last_seq, $2, $3::text::jsonb FROM moved
  ), previews AS (
    DELETE FROM illustration.job_previews WHERE job_id = (SELECT id FROM moved WHERE finished_at IS NOT NULL)
  ), checkpoints AS (
    DELETE FROM illustration.job_checkpoints WHERE job_id = (SELECT id FROM moved WHERE finished_at IS NOT NULL)
  ), charged AS (
    ${chargeSql('$4')}
  )`;

const notice = `pg_notify('${eventsChannel}', id || ':' || last_seq || ':' || $2::text) AS told`;

const move = `
  WITH moved AS (
    UPDATE illustration.jobs SET state = $5, attempt = $6, is_cancel_requested = $7, started_at = $8, finished_at = $9,
      progress = $10::text::jsonb, result = $11::text::jsonb, receipt = $12::text::jsonb, error = $13::text::jsonb,
      last_seq = $14
    WHERE id = $1::uuid RETURNING *
  ), ${alongside}
  SELECT ${notice} FROM moved`;

const end = `
  WITH moved AS (
    UPDATE illustration.jobs SET state = $2, finished_at = clock_timestamp(), progress = NULL,
      result = $6::text::jsonb, receipt = $7::text::jsonb, error = $8::text::jsonb, last_seq = last_seq + 1
    WHERE id = $1::uuid AND state = 'running' AND attempt = $5 RETURNING *
  ), ${alongside}
  SELECT ${jobColumns}, ${notice} FROM moved`;

function toJson(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value);
}
