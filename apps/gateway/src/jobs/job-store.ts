import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../database/database.js';
import { DomainError } from '../errors/domain-error.js';
import { BossQueue } from './boss-queue.js';
import { Capacity } from './capacity.js';
import { isFinal, isJobId, type Job } from './domain/job.js';
import { Duplicates } from './duplicates.js';
import { Gate } from './gate.js';
import { claimKey } from './idempotency.js';
import { insertJob } from './insert-job.js';
import { canceledByCaller } from './job-errors.js';
import { advance } from './job-log.js';
import { lastIdOf, pageTokenAfter, type JobPage, type JobPageRequest } from './job-pages.js';
import { lockJob, selectJobs } from './job-rows.js';
import { jobReplayed } from './job-signals.js';
import { JobsConfig } from './jobs-config.js';
import type { NewJob } from './new-job.js';
import { chargeQuotas, QuotaExceededError, type QuotaStanding } from './quota-check.js';
import { RecentRefusals } from './recent-refusals.js';
import { lockEntry } from './queue-entry.js';

const acceptsAtOnce = 6;

export interface AcceptedJob {
  job: Job;
  /** The idempotency key belonged to this job already; nothing was accepted. */
  isReplay: boolean;
  /** What is left of the tenant's quotas; absent: it has none, or nothing was accepted. */
  standings?: readonly QuotaStanding[];
}

/** Jobs as callers see them. A tenant never learns of another's job. */
@Injectable()
export class JobStore {
  /** A storm of requests must not keep those from the database who hold the leases. */
  private readonly gate = new Gate(acceptsAtOnce);
  private readonly duplicates = new Duplicates<AcceptedJob>();
  private readonly refusals = new RecentRefusals();

  constructor(
    private readonly database: Database,
    private readonly queue: BossQueue,
    private readonly capacity: Capacity,
    private readonly config: JobsConfig,
  ) {}

  /**
   * Accepts a job for good: when this resolves, it reaches a final state whatever crashes. Key, job, first event and
   * queue entry are one transaction. Jobs accepted at the same moment do not see each other, so `maxQueuedJobs` may be
   * passed by as many as there are connections.
   *
   * @throws DomainError `idempotency-key-reused`, `quota-exceeded`, `queue-full`, `storage-unavailable`
   */
  async accept(job: NewJob): Promise<AcceptedJob> {
    const { tenant, idempotency } = job;
    if (idempotency === undefined) {
      this.refusals.check(tenant, job.quotas ?? {});
      return this.write(job);
    }
    const { accepted, isFirst } = await this.duplicates.share(tenant, idempotency, () => this.write(job));
    const outcome = isFirst ? accepted : { ...accepted, isReplay: true };
    if (outcome.isReplay) jobReplayed.send(job);
    return outcome;
  }

  /** @throws DomainError `not-found` */
  get(tenant: string, id: string): Promise<Job> {
    return this.find(this.database, tenant, id);
  }

  /** Newest first. */
  async list(tenant: string, { pageSize, pageToken, state }: JobPageRequest): Promise<JobPage> {
    const before = pageToken === undefined ? null : lastIdOf(pageToken);
    const jobs = await selectJobs(
      this.database,
      `WHERE tenant = $1 AND ($2::text IS NULL OR state = $2) AND ($3::uuid IS NULL OR id < $3)
       ORDER BY id DESC LIMIT $4::int`,
      [tenant, state ?? null, before, pageSize + 1],
    );
    const last = jobs.length > pageSize ? jobs[pageSize - 1] : undefined;
    return { jobs: jobs.slice(0, pageSize), nextPageToken: last && pageTokenAfter(last) };
  }

  /**
   * Cancels a job: a waiting one at once, a running one as soon as its run has stopped (its state tells). A job that
   * is cancelled already is left as it is.
   *
   * @throws DomainError `not-found`, `job-not-cancelable` when it has ended otherwise
   */
  requestCancel(tenant: string, id: string): Promise<Job> {
    return this.database.transaction(async (tx) => {
      await this.find(tx, tenant, id);
      await lockEntry(tx, id);
      const job = await this.find(tx, tenant, id);
      if (isFinal(job.state)) return alreadyEnded(job);
      return job.state === 'running' ? this.askRunToStop(tx, job) : this.cancelWaiting(tx, job);
    });
  }

  /**
   * Draws a failed job again, as a new job with the same request and seed; once only, so that a second call finds the
   * first one's job. The failed job stays what it is; its dead letter goes.
   *
   * @throws DomainError `not-found`, `validation-failed` when the job has not failed
   */
  redrive(failed: Job, again: Pick<NewJob, 'id' | 'resultKeys' | 'requestId' | 'deadline'>): Promise<AcceptedJob> {
    return this.database.transaction(async (tx) => {
      const { state } = await this.find(tx, failed.tenant, failed.id);
      if (state !== 'failed')
        throw new DomainError('validation-failed', `The job is ${state}; only a failed one can be drawn again.`);
      // One re-drive of a job at a time.
      await lockJob(tx, failed.id);
      const [earlier] = await selectJobs(tx, 'WHERE redrive_of = $1::uuid', [failed.id]);
      if (earlier !== undefined) return { job: earlier, isReplay: true };
      const job = await insertJob(tx, this.queue, { ...failed, ...again }, { redriveOf: failed.id });
      if (job === undefined) throw new Error('a job without a limit was not written');
      await this.queue.dropDeadLetter(tx, failed.id);
      return { job, isReplay: false };
    });
  }

  private async write(job: NewJob): Promise<AcceptedJob> {
    const { tenant, id, idempotency: claim } = job;
    const inTransaction = async (tx: Transaction): Promise<AcceptedJob> => {
      const owner = claim && (await claimKey(tx, { tenant, id, claim }));
      if (owner !== undefined) return { job: await this.find(tx, tenant, owner), isReplay: true };
      const standings = await chargeQuotas(tx, tenant, job.quotas ?? {});
      const { maxQueuedJobs } = this.config;
      const inserted = await insertJob(tx, this.queue, job, { maxQueuedJobs });
      if (inserted === undefined) throw await this.capacity.queueFull(tx, maxQueuedJobs);
      return { job: inserted, isReplay: false, ...(standings.length > 0 && { standings }) };
    };
    try {
      return await this.gate.pass(() => this.database.transaction(inTransaction));
    } catch (error) {
      if (error instanceof QuotaExceededError) this.refusals.remember(tenant, job.quotas ?? {}, error);
      throw error;
    }
  }

  private async find(db: Pick<Transaction, 'query'>, tenant: string, id: string): Promise<Job> {
    const jobs = isJobId(id) ? await selectJobs(db, 'WHERE id = $1::uuid AND tenant = $2', [id, tenant]) : [];
    if (jobs[0] === undefined) throw new DomainError('not-found', 'There is no such job.');
    return jobs[0];
  }

  private async askRunToStop(tx: Transaction, job: Job): Promise<Job> {
    return job.isCancelRequested ? job : advance(tx, job.id, { type: 'cancel-requested' });
  }

  private async cancelWaiting(tx: Transaction, { id }: Job): Promise<Job> {
    await this.queue.cancel(tx, id);
    return advance(tx, id, { type: 'canceled', error: canceledByCaller });
  }
}

function alreadyEnded(job: Job): Job {
  if (job.state === 'canceled') return job;
  throw new DomainError('job-not-cancelable', `The job has ended: it is ${job.state}.`);
}
