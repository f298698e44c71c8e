import type { Database } from '../database/database.js';
import type { Job } from './domain/job.js';
import { selectJobs } from './job-rows.js';

/** An attempt that lost its job may still write for so long: the object store's own limits end it. */
const settledAfterMs = 30_000;
/** How far back a gateway looks when it starts: another one, or the one before it, has done the rest. */
const lookBackMs = 3_600_000;
const batch = 50;

/**
 * Finds the jobs that ended without a result after they had been begun: an attempt may have stored a picture for them,
 * and nobody was told of it. Every gateway goes through them by itself; removing twice does no harm.
 */
export class Leftovers {
  private after = { finishedAt: new Date(0), id: '00000000-0000-0000-0000-000000000000' };

  constructor(
    private readonly database: Database,
    private readonly settledMs = settledAfterMs,
  ) {}

  /** A job that cannot be discarded is tried again in the next sweep, and those behind it wait. */
  async sweep(discard: (job: Job) => Promise<void>): Promise<void> {
    for (const job of await this.next()) {
      await discard(job);
      this.after = { finishedAt: job.finishedAt ?? this.after.finishedAt, id: job.id };
    }
  }

  /** Dates lose their microseconds on the way to JavaScript, so they are compared without. */
  private next(): Promise<Job[]> {
    return selectJobs(
      this.database,
      `WHERE state IN ('failed', 'canceled', 'expired') AND attempt > 0
        AND finished_at >= greatest($1::timestamptz, clock_timestamp() - $3::float8 * interval '1 ms')
        AND finished_at <= clock_timestamp() - $4::float8 * interval '1 ms'
        AND (date_trunc('milliseconds', finished_at), id) > ($1::timestamptz, $2::uuid)
      ORDER BY date_trunc('milliseconds', finished_at), id LIMIT ${batch}`,
      [this.after.finishedAt, this.after.id, lookBackMs, this.settledMs],
    );
  }
}
