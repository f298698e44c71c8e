import type { Queryable } from '../database/database.js';
import type { Job } from './domain/job.js';

/** A job as its row is read: column names are made the members' names in SQL, so that there is one list. */
export const jobColumns = `
  id, tenant, kind, request, seed::float8 AS seed, images, total_steps AS "totalSteps", result_keys AS "resultKeys",
  request_id AS "requestId", traceparent, state, attempt, is_cancel_requested AS "isCancelRequested", tag, last_seq AS "lastSeq",
  created_at AS "createdAt", started_at AS "startedAt", finished_at AS "finishedAt", deadline, progress, result,
  receipt, error, redrive_of AS "redriveOf"`;

export function selectJobs(db: Queryable, clauses: string, values: readonly unknown[]): Promise<Job[]> {
  return db.query<Job>(`SELECT ${jobColumns} FROM illustration.jobs ${clauses}`, values);
}

export interface LockedJob {
  job: Job;
  /** The database's time. */
  now: Date;
}

/** The job with its row locked until the transaction ends. */
export async function lockJob(tx: Queryable, jobId: string): Promise<LockedJob | undefined> {
  const [row] = await tx.query<Job & { now: Date }>(
    `SELECT ${jobColumns}, clock_timestamp() AS now FROM illustration.jobs WHERE id = $1::uuid FOR UPDATE`,
    [jobId],
  );
  if (row === undefined) return undefined;
  const { now, ...job } = row;
  return { job, now };
}
