import type { Transaction } from '../database/database.js';
import type { BossQueue } from './boss-queue.js';
import { eventsChannel } from './job-notice.js';
import type { NewJob } from './new-job.js';

/** Writes the job, its first event and its queue entry, and tells the gateways. */
export async function insertJob(
  tx: Transaction,
  queue: BossQueue,
  job: NewJob,
  redriveOf: string | null = null,
): Promise<void> {
  const tag = await nextTag(tx, job.tenant, job.images);
  await tx.query(
    `WITH job AS (
       INSERT INTO illustration.jobs (id, tenant, kind, state, request, seed, images, total_steps, result_keys,
         request_id, tag, last_seq, deadline, redrive_of)
       VALUES ($1::uuid, $2, $3, 'queued', $4::text::jsonb, $5::bigint, $6, $7, $8::text[], $9, $10, 1, $11, $12::uuid)
       RETURNING id
     ), logged AS (
       INSERT INTO illustration.job_events (job_id, seq, type, data) SELECT id, 1, 'queued', '{}' FROM job
     )
     SELECT pg_notify('${eventsChannel}', id || ':1:queued') FROM job`,
    [
      job.id,
      job.tenant,
      job.kind,
      JSON.stringify(job.request),
      job.seed,
      job.images,
      job.totalSteps,
      job.resultKeys,
      job.requestId,
      tag,
      job.deadline,
      redriveOf,
    ],
  );
  await queue.send(tx, job.id, tag);
}

/**
 * Start-time fair queueing: a job is tagged with the moment, in images drawn for its tenant, at which it would start if
 * the tenant had a fair share of the service, and the smallest tag goes first. Who was idle starts at the virtual time
 * (the largest tag that has started), so idleness earns no credit; who floods the queue tags its jobs into the future,
 * and another tenant's first job is tagged with the present: nobody waits for more than what is being drawn.
 */
async function nextTag(tx: Transaction, tenant: string, images: number): Promise<number> {
  const [row] = await tx.query<{ tag: number }>(
    `INSERT INTO illustration.tenants AS t (tenant, next_tag)
     SELECT $1, virtual_time + $2::int FROM illustration.fairness
     ON CONFLICT (tenant) DO UPDATE SET next_tag = GREATEST(t.next_tag + $2::int, excluded.next_tag)
     RETURNING next_tag - $2::int AS tag`,
    [tenant, images],
  );
  if (row === undefined) throw new Error('the virtual time of the queue is missing');
  return row.tag;
}
