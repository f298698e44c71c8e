import { Injectable, Logger } from '@nestjs/common';

import { DomainError } from '../../errors/domain-error.js';
import { isFinal, type Job } from '../../jobs/domain/job.js';
import { JobErasure } from '../../jobs/job-erasure.js';
import { JobStore } from '../../jobs/job-store.js';
import { identifierRule, isIdentifier } from '../domain/identifier.js';
import { JobWait } from '../job-wait.js';
import { Results } from '../results.js';
import { ResultCache } from '../result-cache/result-cache.js';
import { WorkerMemory } from './worker-memory.js';

/** A run stops within a step; a caller who erases can wait so long. */
const stopWithinMs = 10_000;

/** What one erasure has removed. */
export interface Erased {
  jobs: number;
  pictures: number;
  idempotencyKeys: number;
  cachedResults: number;
  /** What this gateway's worker had encoded, of all users; null: it did not answer, and is told when it does. */
  cachedEmbeddings: number | null;
  /** Told to stop, and not settled: a picture may still be on its way. Erase again in half a minute. */
  pendingJobs: number;
}

/**
 * Removes what was drawn for a user, and what was written down about it. Avatars, subject photos and LoRAs are not
 * ours: AutoBio put them into the bucket, and takes them away. Pictures of other users on which this one is to be seen
 * are theirs.
 */
@Injectable()
export class UserErasure {
  private readonly logger = new Logger(UserErasure.name);

  constructor(
    private readonly erasure: JobErasure,
    private readonly store: JobStore,
    private readonly wait: JobWait,
    private readonly results: Results,
    private readonly cache: ResultCache,
    private readonly workerMemory: WorkerMemory,
  ) {}

  /**
   * Can be repeated, and is to be while jobs are pending.
   *
   * @throws DomainError `validation-failed`, `storage-unavailable`: what was removed by then is removed
   */
  async erase(tenant: string, userId: string): Promise<Erased> {
    if (!isIdentifier(userId)) {
      const detail = `user_id must be ${identifierRule}`;
      throw new DomainError('validation-failed', detail, { violations: [{ pointer: '/user_id', detail }] });
    }
    await this.stopOpenJobs(tenant, userId);
    const counts = { jobs: 0, pictures: 0, idempotencyKeys: 0, cachedResults: 0, pendingJobs: 0 };
    const erased: Erased = { ...counts, cachedEmbeddings: null };
    for (const job of await this.erasure.find(tenant, { user_id: userId })) {
      if (this.erasure.isSettled(job)) await this.eraseJob(job, erased);
      else erased.pendingJobs += 1;
    }
    // Last: a run that has just ended may have put its picture there.
    erased.cachedResults = await this.cache.erase(tenant, userId);
    erased.cachedEmbeddings = await this.workerMemory.forget();
    this.logger.log({ tenant, ...erased }, "a user's data were erased");
    return erased;
  }

  /** Pictures first: should the store be away, the job still tells where they are. */
  private async eraseJob(job: Job, erased: Erased): Promise<void> {
    await this.results.discard(job.resultKeys);
    erased.idempotencyKeys += await this.erasure.forget(job);
    erased.jobs += 1;
    if (job.state === 'succeeded') erased.pictures += job.resultKeys.length;
  }

  private async stopOpenJobs(tenant: string, userId: string): Promise<void> {
    const jobs = await this.erasure.find(tenant, { user_id: userId });
    const timeUp = AbortSignal.timeout(stopWithinMs);
    await Promise.all(
      jobs
        .filter(({ state }) => !isFinal(state))
        .map(async (job) => {
          await this.cancel(job);
          await this.wait.forEnd(job, timeUp);
        }),
    );
  }

  private async cancel({ tenant, id }: Job): Promise<void> {
    try {
      await this.store.requestCancel(tenant, id);
    } catch (error) {
      const hasEnded = error instanceof DomainError && ['job-not-cancelable', 'not-found'].includes(error.reason);
      if (!hasEnded) throw error;
    }
  }
}
