import { Injectable } from '@nestjs/common';
import type { JobAttempt } from 'pg-boss';
import { Database, type Transaction } from '../database/database.js';
import { BossQueue } from './boss-queue.js';
import { claimJobs } from './claim-jobs.js';
import type { JobEnding } from './domain/job-event.js';
import { isFinal, type Job, type JobError, type JobProgress } from './domain/job.js';
import { IllegalTransitionError } from './domain/transition.js';
import { endAttempt } from './end-attempt.js';
import { FencedError } from './fenced.error.js';
import { canceledByCaller, notInTime } from './job-errors.js';
import { advance, advanceLocked, endRunning } from './job-log.js';
import { eventsChannel } from './job-notice.js';
import { lockJob, selectJobs } from './job-rows.js';

/** A job that is ours to run until the lease lapses; it is kept by `renew`. */
export interface Lease {
  readonly job: Job;
  readonly attempt: JobAttempt;
}

export interface LeasedBatch {
  leases: Lease[];
  /** There was less than asked for: nothing else waits, unless it came meanwhile. */
  isQueueEmpty: boolean;
}

/** The dispatcher's side of the queue. Every write is fenced by the attempt: a late one changes nothing. */
@Injectable()
export class JobQueue {
  constructor(
    private readonly database: Database,
    private readonly queue: BossQueue,
  ) {}

  /**
   * Takes up to `room` jobs in fair order. A job that is cancelled, past its deadline, or could not be drawn before it
   * (`stepMs` a step, where known) ends here, without a run.
   */
  async lease(room: number, stepMs: number | null): Promise<LeasedBatch> {
    const claimSql = await this.queue.claimSql(room);
    return this.database.transaction(async (tx) => {
      const claims = await claimJobs(tx, claimSql, stepMs);
      const leases: Lease[] = [];
      for (const { attempt, job } of claims) {
        if (job === null) await this.endWithoutRun(tx, attempt);
        else leases.push({ job, attempt });
      }
      return { leases, isQueueEmpty: claims.length < room };
    });
  }

  /** Gives a sign of life. @throws FencedError */
  async renew(lease: Lease): Promise<void> {
    if (!(await this.queue.touch(lease.attempt))) throw fenced(lease);
  }

  /** For when the notification of a cancel was lost. */
  async isCancelRequested({ job: { id } }: Lease): Promise<boolean> {
    const [job] = await selectJobs(this.database, 'WHERE id = $1::uuid', [id]);
    return job?.isCancelRequested ?? false;
  }

  /** Tells how far the run is; when the lease is lost, tells nothing. */
  async progress({ job, attempt }: Lease, progress: JobProgress): Promise<void> {
    await this.database.query(
      `WITH moved AS (
         UPDATE illustration.jobs SET progress = $3::text::jsonb, last_seq = last_seq + 1
         WHERE id = $1::uuid AND state = 'running' AND attempt = $2 RETURNING id, last_seq, progress
       ), logged AS (
         INSERT INTO illustration.job_events (job_id, seq, type, data) SELECT id, last_seq, 'progress', progress FROM moved
       )
       SELECT pg_notify('${eventsChannel}', id || ':' || last_seq || ':progress') FROM moved`,
      [job.id, attempt.retryCount + 1, JSON.stringify(progress)],
    );
  }

  /**
   * Ends the job. `alongside` writes in the same transaction what must exist exactly when the end does.
   *
   * @throws FencedError
   */
  complete(lease: Lease, ending: JobEnding, alongside?: (tx: Transaction) => Promise<void>): Promise<Job> {
    return this.database.transaction(async (tx) => {
      const hasResult = ending.type === 'succeeded' || ending.type === 'failed';
      const isOurs = await (hasResult ? this.queue.complete(tx, lease.attempt) : this.queue.cancel(tx, lease.attempt));
      if (!isOurs) throw fenced(lease);
      await alongside?.(tx);
      const { id: jobId, retryCount } = lease.attempt;
      return (await endRunning(tx, { jobId, attempt: retryCount + 1, ending })) ?? advance(tx, jobId, ending);
    });
  }

  /**
   * Gives the job back for another attempt, `pauseSeconds` from now. After the last one it fails with
   * `attempts-exhausted` and goes to the dead letters; a cancelled or overdue one ends as such.
   *
   * @throws FencedError
   */
  retry(lease: Lease, why: JobError, pauseSeconds: number): Promise<Job> {
    return this.database.transaction(async (tx) => {
      const job = await endAttempt(tx, this.queue, { attempt: lease.attempt, why, pauseSeconds });
      if (job === undefined) throw fenced(lease);
      return job;
    });
  }

  /**
   * Hands the job back without using up an attempt. pg-boss counts it all the same, because the number is the fence;
   * the job is allowed one more instead.
   *
   * @throws FencedError
   */
  release(lease: Lease, why: JobError, pauseSeconds: number): Promise<Job> {
    return this.database.transaction(async (tx) => {
      await this.queue.allowOneMore(tx, lease.attempt);
      const job = await endAttempt(tx, this.queue, { attempt: lease.attempt, why, pauseSeconds });
      if (job === undefined) throw fenced(lease);
      return job;
    });
  }

  /** Of a claimed job that must not begin. One that has ended already stays as it is. */
  private async endWithoutRun(tx: Transaction, attempt: JobAttempt): Promise<void> {
    await this.queue.cancel(tx, attempt);
    const locked = await lockJob(tx, attempt.id);
    if (locked === undefined || isFinal(locked.job.state)) return;
    const { state, attempt: latest, isCancelRequested } = locked.job;
    if (attempt.retryCount < latest) throw new IllegalTransitionError(state, 'started');
    const why = isCancelRequested ? canceledByCaller : notInTime;
    await advanceLocked(tx, locked, { type: isCancelRequested ? 'canceled' : 'expired', error: why });
  }
}

function fenced({ attempt }: Lease): FencedError {
  return new FencedError(attempt.id, attempt.retryCount + 1);
}
