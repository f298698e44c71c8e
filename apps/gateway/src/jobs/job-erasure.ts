import { Injectable } from '@nestjs/common';

import { Database, type Transaction } from '../database/database.js';
import { BossQueue } from './boss-queue.js';
import type { Job, JsonObject } from './domain/job.js';
import { isFinal } from './domain/job.js';
import { selectJobs } from './job-rows.js';

/** An attempt that lost its job may still write a picture for so long: the object store's own limits end it. */
const settledAfterMs = 30_000;

/** Forgets jobs for good, with everything that was written down about them. */
@Injectable()
export class JobErasure {
  constructor(
    private readonly database: Database,
    private readonly queue: BossQueue,
  ) {}

  /** The tenant's jobs whose request has all of these members. */
  find(tenant: string, request: JsonObject): Promise<Job[]> {
    return selectJobs(this.database, 'WHERE tenant = $1 AND request @> $2::text::jsonb ORDER BY id', [
      tenant,
      JSON.stringify(request),
    ]);
  }

  /** May this job be forgotten, and nothing be written for it afterwards? */
  isSettled({ state, attempt, finishedAt }: Job): boolean {
    if (!isFinal(state)) return false;
    if (state === 'succeeded' || attempt === 0) return true;
    return finishedAt !== null && Date.now() - finishedAt.getTime() > settledAfterMs;
  }

  /**
   * Removes the job with its request, events, unfinished pictures and receipt (the rows go with it), its idempotency
   * key, and what the queue has noted about its attempts.
   *
   * @returns how many idempotency keys it had
   */
  forget({ tenant, id }: Job): Promise<number> {
    return this.database.transaction(async (tx: Transaction) => {
      await this.queue.forget(tx, id);
      const keys = await tx.query(
        'DELETE FROM illustration.idempotency_keys WHERE tenant = $1 AND job_id = $2::uuid RETURNING job_id',
        [tenant, id],
      );
      await tx.query('DELETE FROM illustration.jobs WHERE tenant = $1 AND id = $2::uuid', [tenant, id]);
      return keys.length;
    });
  }
}
