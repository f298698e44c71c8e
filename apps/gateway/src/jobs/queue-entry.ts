import type { Queryable } from '../database/database.js';
import { queueName, queueSchema } from './boss-queue.js';

/** pg-boss's row of a job. `retry`: it waits for its next attempt; `active`: it is claimed. */
export interface QueueEntry {
  state: 'created' | 'retry' | 'active' | 'completed' | 'cancelled' | 'failed';
  retryCount: number;
  /** Claimed, and its leaseholder has given no sign of life for the length of the lease. */
  isLapsed: boolean;
}

/** Of a row of pg-boss under the alias `q`. */
export const isLapsedSql = `COALESCE(q.state = 'active'
  AND q.heartbeat_on + q.heartbeat_seconds * interval '1 second' < clock_timestamp(), false)`;

const select = `SELECT q.state::text AS state, q.retry_count AS "retryCount", ${isLapsedSql} AS "isLapsed"
  FROM ${queueSchema}.job q WHERE q.name = $1 AND q.id = $2::uuid`;

export async function readEntry(tx: Queryable, jobId: string): Promise<QueueEntry | undefined> {
  const [entry] = await tx.query<QueueEntry>(select, [queueName, jobId]);
  return entry;
}

/**
 * Locks the queue's row, as one must before the job's. pg-boss fails an entry by deleting and inserting it: a lock
 * that waited for that finds nothing, and the next look finds the new row.
 */
export async function lockEntry(tx: Queryable, jobId: string): Promise<QueueEntry | undefined> {
  for (let look = 1; ; look += 1) {
    const [entry] = await tx.query<QueueEntry>(`${select} FOR UPDATE`, [queueName, jobId]);
    if (entry !== undefined || look === 3) return entry;
  }
}
