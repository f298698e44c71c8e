import { Inject, Injectable } from '@nestjs/common';

import { Capacity } from '../jobs/capacity.js';
import type { Job } from '../jobs/domain/job.js';
import { ObjectStore } from '../storage/object-store.js';
import { toJobErrorView } from './job-error-view.js';
import { imagesOf, isCached, warningsOf } from './job-outcome.js';
import {
  isoTime,
  remainingMs,
  toEtaSeconds,
  toProgressView,
  type IllustrationView,
  type JobView,
  type QueueView,
} from './job-view.js';

/** Makes the callers' view of jobs. */
@Injectable()
export class JobViews {
  constructor(
    @Inject(Capacity) private readonly capacity: Pick<Capacity, 'outlook' | 'placeOf'>,
    private readonly store: ObjectStore,
  ) {}

  /** All that can be told of a job, its place in the queue and its likely end included. */
  async of(job: Job): Promise<JobView> {
    const [view, queue, etaMs] = await Promise.all([
      this.withoutOutlook(job),
      this.placeOf(job),
      this.runEndsInMs(job),
    ]);
    return { ...view, ...queue, ...(etaMs !== null && { eta_seconds: toEtaSeconds(etaMs) }) };
  }

  /** Without the place in the queue and the likely end, which cost queries for each job: for lists. */
  async withoutOutlook(job: Job): Promise<JobView> {
    const data = await this.picturesOf(job);
    return defined({
      job_id: job.id,
      kind: job.kind,
      state: job.state,
      created_at: job.createdAt.toISOString(),
      started_at: isoTime(job.startedAt),
      finished_at: isoTime(job.finishedAt),
      deadline: isoTime(job.deadline),
      attempt: job.attempt,
      cancel_requested: job.isCancelRequested,
      progress: job.state === 'running' && job.progress !== null ? toProgressView(job.progress) : undefined,
      data,
      warnings: job.state === 'succeeded' ? unlessEmpty(warningsOf(job)) : undefined,
      cached: job.state === 'succeeded' ? isCached(job) : undefined,
      receipt: job.receipt ?? undefined,
      error: job.error === null ? undefined : toJobErrorView(job.error),
    });
  }

  /** Undefined: the job is not waiting. */
  async placeOf(job: Job): Promise<QueueView | undefined> {
    if (job.state !== 'queued') return undefined;
    const { jobsAhead, endsInMs } = await this.capacity.placeOf(job);
    return defined({ queue_position: jobsAhead, eta_seconds: toEtaSeconds(endsInMs) });
  }

  private async runEndsInMs({ state, startedAt, progress, totalSteps }: Job): Promise<number | null> {
    if (state !== 'running' || startedAt === null) return null;
    const elapsedMs = Math.max(Date.now() - startedAt.getTime(), 0);
    const measured = progress === null ? null : remainingMs(elapsedMs, progress);
    if (measured !== null) return measured;
    const { stepMs } = await this.capacity.outlook();
    return stepMs === null ? null : Math.max(stepMs * totalSteps - elapsedMs, 0);
  }

  private async picturesOf(job: Job): Promise<IllustrationView[] | undefined> {
    if (job.state !== 'succeeded') return undefined;
    return Promise.all(
      imagesOf(job).map(async ({ key, seed, width, height, sha256 }) => ({
        s3_uri: this.store.locate(key).s3Uri,
        url: await this.store.downloadUrl(key),
        seed,
        width,
        height,
        sha256,
      })),
    );
  }
}

function unlessEmpty<T>(list: T[]): T[] | undefined {
  return list.length === 0 ? undefined : list;
}

/** Without the members that are undefined, so that equal views are equal however they travel. */
function defined<View extends object>(view: View): View {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only optional members can be undefined
  return Object.fromEntries(Object.entries(view).filter(([, value]) => value !== undefined)) as View;
}
