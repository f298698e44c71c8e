import type { JobAttempt } from 'pg-boss';
import type { Transaction } from '../database/database.js';
import type { Job } from './domain/job.js';
import { jobColumns } from './job-rows.js';
import { eventsChannel } from './job-notice.js';
import { jobMoved } from './job-signals.js';

/** An entry of the queue that is claimed now. */
export interface Claim {
  attempt: JobAttempt;
  /** The job, which runs now; null: it must not begin, and was left as it is. */
  job: Job | null;
}

type ClaimRow = { entryId: string; retryCount: number; told: unknown } & (Job | { [Column in keyof Job]: null });

/**
 * Claims entries in fair order and begins their jobs: the claim, the jobs' rows, their events, the notifications and the
 * virtual time in one statement, because each costs a round trip while the worker waits. A job that has ended, is
 * cancelled, or could not be drawn before its deadline is claimed and does not begin.
 *
 * @param claimSql pg-boss's statement, without parameters; it returns `id`, `retryCount` and `priority`
 * @param stepMs how long a step takes; null: unknown
 */
export async function claimJobs(tx: Transaction, claimSql: string, stepMs: number | null): Promise<Claim[]> {
  const rows = await tx.query<ClaimRow>(statement(claimSql), [stepMs ?? 0, new Date()]);
  return rows.map((row) => {
    const { entryId, retryCount, told: _, ...job } = row;
    const attempt = { id: entryId, retryCount };
    if (job.id === null) return { attempt, job: null };
    tx.afterCommit(() => jobMoved.send({ job, transition: { type: 'started', attempt: job.attempt } }));
    return { attempt, job };
  });
}

const statement = (claimSql: string): string => `
  WITH claimed AS (${claimSql}), begun AS (
    UPDATE illustration.jobs j
    SET state = 'running', attempt = c."retryCount" + 1, started_at = clock_timestamp(), progress = NULL,
      last_seq = j.last_seq + 1
    FROM claimed c
    WHERE j.id = c.id AND j.state IN ('queued', 'running') AND j.attempt <= c."retryCount" AND NOT j.is_cancel_requested
      AND (j.deadline IS NULL OR $2::timestamptz + $1::float8 * j.total_steps * interval '1 ms' < j.deadline)
    RETURNING j.*
  ), logged AS (
    INSERT INTO illustration.job_events (job_id, seq, type, data)
    SELECT id, last_seq, 'started', jsonb_build_object('attempt', attempt) FROM begun
  ), moved AS (
    UPDATE illustration.fairness SET virtual_time = latest.tag
    FROM (SELECT max(tag) AS tag FROM begun) latest WHERE virtual_time < latest.tag
  )
  SELECT c.id AS "entryId", c."retryCount", b.* FROM claimed c
  LEFT JOIN (
    SELECT ${jobColumns}, pg_notify('${eventsChannel}', id || ':' || last_seq || ':started') AS told FROM begun
  ) b ON b.id = c.id
  ORDER BY c.priority DESC`;
