import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';

import { AppConfig } from '../config/app-config.js';
import { JobStore, type AcceptedJob } from '../jobs/job-store.js';
import { newJobId } from '../jobs/new-job.js';
import { ObjectKeys } from '../storage/object-keys.js';
import { fromPayload } from './domain/illustration-payload.js';
import { resultKeysOf } from './result-keys.js';

const pageSize = 100;

/** Has failed jobs drawn again, when what made them fail has been put right: an operator's decision, never a caller's. */
@Injectable()
export class Redrive {
  constructor(
    private readonly jobs: JobStore,
    private readonly keys: ObjectKeys,
    private readonly config: AppConfig,
  ) {}

  /**
   * Accepts the failed job once more, as a new job with the same request and seed; a job that was drawn again already
   * is not drawn a third time.
   *
   * @throws DomainError `not-found`, `validation-failed` when the job has not failed
   */
  async again(tenant: string, jobId: string): Promise<AcceptedJob> {
    const failed = await this.jobs.get(tenant, jobId);
    const id = newJobId();
    return this.jobs.redrive(failed, {
      id,
      resultKeys: resultKeysOf(this.keys, fromPayload(failed.request), id),
      requestId: randomUUID(),
      deadline: new Date(Date.now() + this.config.jobs.deadlineMs),
    });
  }

  /** The tenant's jobs that lie in the dead letters: those that failed because every attempt did. Newest first. */
  async exhausted(tenant: string): Promise<string[]> {
    const ids: string[] = [];
    let pageToken: string | undefined;
    do {
      const page = await this.jobs.list(tenant, { pageSize, pageToken, state: 'failed' });
      ids.push(...page.jobs.filter(({ error }) => error?.reason === 'attempts-exhausted').map(({ id }) => id));
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
    return ids;
  }
}
