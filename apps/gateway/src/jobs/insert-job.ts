import type { Transaction } from '../database/database.js';
import type { BossQueue } from './boss-queue.js';
import type { Job } from './domain/job.js';
import { eventsChannel } from './job-notice.js';
import { jobColumns } from './job-rows.js';
import { jobAccepted } from './job-signals.js';
import type { NewJob } from './new-job.js';

export interface InsertOptions {
  /** Nothing is written when so many jobs wait already. */
  maxQueuedJobs?: number;
  /** The failed job that the new one repeats. */
  redriveOf?: string;
}

/**
 * Writes the job, its first event and its queue entry, and tells the gateways.
 *
 * Start-time fair queueing: a job is tagged with the moment, in images drawn for its tenant, at which it would start if
 * the tenant had a fair share of the service, and the smallest tag goes first. Who was idle starts at the virtual time
 * (the largest tag that has started), so idleness earns no credit; who floods the queue tags its jobs into the future,
 * and another tenant's first job is tagged with the present: nobody waits for more than what is being drawn.
 *
 * @returns the job; undefined: as many wait as are accepted
 */
export async function insertJob(
  tx: Transaction,
  queue: BossQueue,
  job: NewJob,
  { maxQueuedJobs, redriveOf }: InsertOptions = {},
): Promise<Job | undefined> {
  const [inserted] = await tx.query<Job & { told: unknown }>(insertion, [
    job.id,
    job.tenant,
    job.kind,
    JSON.stringify(job.request),
    job.seed,
    job.images,
    job.totalSteps,
    job.resultKeys,
    job.requestId,
    job.traceparent,
    job.deadline,
    redriveOf ?? null,
    maxQueuedJobs ?? null,
  ]);
  if (inserted === undefined) return undefined;
  const { told: _, ...written } = inserted;
  await queue.send(tx, written.id, written.tag);
  tx.afterCommit(() => jobAccepted.send(written));
  return written;
}

/** One statement, because each costs a round trip: of a job's way through the database, accepting is what callers wait for. */
const insertion = `
  WITH place AS (
    INSERT INTO illustration.tenants AS t (tenant, next_tag)
    SELECT $2, virtual_time + $6::int FROM illustration.fairness
    WHERE $13::int IS NULL OR $13::int > (SELECT count(*) FROM illustration.jobs WHERE state = 'queued')
    ON CONFLICT (tenant) DO UPDATE SET next_tag = GREATEST(t.next_tag + $6::int, excluded.next_tag)
    RETURNING next_tag - $6::int AS tag
  ), job AS (
    INSERT INTO illustration.jobs (id, tenant, kind, state, request, seed, images, total_steps, result_keys, request_id,
      traceparent, tag, last_seq, deadline, redrive_of)
    SELECT $1::uuid, $2, $3, 'queued', $4::text::jsonb, $5::bigint, $6::int, $7::int, $8::text[], $9, $10, tag, 1,
      $11::timestamptz, $12::uuid FROM place
    RETURNING *
  ), logged AS (
    INSERT INTO illustration.job_events (job_id, seq, type, data) SELECT id, 1, 'queued', '{}' FROM job
  )
  SELECT ${jobColumns}, pg_notify('${eventsChannel}', id || ':1:queued') AS told FROM job`;
