import { z } from 'zod';

import { isReason } from '../errors/reason-names.js';
import type { Reason } from '../errors/reason.js';
import type { JobEvent } from '../jobs/domain/job-event.js';
import { isFinal, type JobProgress, type JobState } from '../jobs/domain/job.js';
import { toJobErrorView, type JobErrorView } from './job-error-view.js';
import { remainingMs, toEtaSeconds, toProgressView, type JobProgressView } from './job-view.js';

/** What an event on a job's way tells; the event of its end carries the whole `JobView` instead. */
export interface JobEventView {
  job_id: string;
  /** The state that the event left the job in. */
  state: JobState;
  at: string;
  /** Of `started`: from 1. */
  attempt?: number;
  /** Of `progress`. */
  progress?: JobProgressView;
  /** Of `progress`: seconds until the end at the speed so far. */
  eta_seconds?: number;
  /** Of `requeued`: why the attempt was cut short. */
  error?: JobErrorView;
}

/** What `eventData` and `JobQueue.progress` of the job path have stored, perhaps those of a newer gateway. */
const startedData = z.object({ attempt: z.number() });
const progressData = z.object({ step: z.number(), total: z.number(), image: z.number(), images: z.number() });
const requeuedData = z.object({ reason: z.string().transform(toReason), detail: z.string() });

function toReason(slug: string): Reason {
  return isReason(slug) ? slug : 'internal';
}

/** Tells the events of one job, in their order: how fast it goes shows from its start to its steps. */
export class JobEventTeller {
  private startedAt: Date | null;

  /** @param startedAt of the latest attempt, for a stream that begins after its `started` */
  constructor(
    private readonly jobId: string,
    startedAt: Date | null,
  ) {
    this.startedAt = startedAt;
  }

  /** Of an event on the way. */
  tell({ type, data, at }: JobEvent): JobEventView {
    const view: JobEventView = { job_id: this.jobId, state: stateAfter(type), at: at.toISOString() };
    if (type === 'started') {
      this.startedAt = at;
      return { ...view, ...startedData.parse(data) };
    }
    if (type === 'progress') {
      const progress = progressData.parse(data);
      return { ...view, progress: toProgressView(progress), ...this.eta(at, progress) };
    }
    return type === 'requeued' ? { ...view, error: toJobErrorView(requeuedData.parse(data)) } : view;
  }

  /** Nothing for the steps of an attempt before the latest, whose start was not seen. */
  private eta(at: Date, progress: JobProgress): { eta_seconds?: number } {
    const elapsedMs = this.startedAt === null ? -1 : at.getTime() - this.startedAt.getTime();
    const eta = elapsedMs < 0 ? undefined : toEtaSeconds(remainingMs(elapsedMs, progress));
    return eta === undefined ? {} : { eta_seconds: eta };
  }
}

function stateAfter(type: JobEvent['type']): JobState {
  if (isFinal(type)) return type;
  return type === 'queued' || type === 'requeued' ? 'queued' : 'running';
}
