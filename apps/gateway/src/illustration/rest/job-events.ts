import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import type { Response } from 'express';

import { isFinalEvent } from '../../jobs/domain/job-event.js';
import type { Job } from '../../jobs/domain/job.js';
import { JobEvents } from '../../jobs/job-events.js';
import { JobPreviews } from '../../jobs/job-previews.js';
import { JobStore } from '../../jobs/job-store.js';
import { JobEventTeller } from '../job-event-view.js';
import type { QueueView } from '../job-view.js';
import { JobViews } from '../job-views.js';
import { PlaceTeller } from '../place-teller.js';
import { PreviewTeller } from '../preview-teller.js';
import { SseStream } from './sse-stream.js';

/** A reader whose stream this instance had to end comes back after that, to another instance or a new one. */
const retryMs = 1000;

/**
 * Streams what happens to a job as server-sent events: each with its number as `id` and its type as `event`, the one
 * of the end last, with the whole job. While the job waits, `position` events without an id tell its place; while it is
 * drawn, `preview` events without an id show the picture, if the job was asked for them. A stream only watches: whether a reader that leaves cancels anything is its caller's business.
 */
@Injectable()
export class JobEventStreams implements BeforeApplicationShutdown {
  private readonly logger = new Logger(JobEventStreams.name);
  private readonly open = new Set<SseStream>();

  constructor(
    private readonly store: JobStore,
    private readonly events: JobEvents,
    private readonly views: JobViews,
    private readonly previews: JobPreviews,
  ) {}

  /** Streams being read now. */
  get count(): number {
    return this.open.size;
  }

  /**
   * Resolves when the stream is over: after the last event, when the reader left, or when the service shuts down.
   *
   * @param job of the caller's own tenant
   * @param afterSeq number of the last event that the reader has; 0: none
   * @param until ends the stream with a hint to come back
   */
  async streamJobEvents(
    job: Job,
    response: Response,
    { afterSeq = 0, until }: { afterSeq?: number; until?: AbortSignal } = {},
  ): Promise<void> {
    const stream = new SseStream(response);
    const comeBack = (): void => stream.end(retryMs);
    this.open.add(stream);
    until?.addEventListener('abort', comeBack);
    if (until?.aborted === true) comeBack();
    try {
      const place = new PlaceTeller(job, this.store, this.views);
      const previews = new PreviewTeller(job, this.previews);
      const tell = (now: QueueView): Promise<void> =>
        stream.send({ event: 'position', data: { job_id: job.id, ...now } });
      await Promise.all([
        this.follow(job, { stream, afterSeq, tellers: [place, previews] }),
        place.tellWhileWaiting({ signal: stream.signal, tell }),
        previews.tellWhileDrawn({
          signal: stream.signal,
          tell: (preview) => stream.send({ event: 'preview', data: preview }),
        }),
      ]);
    } catch (error) {
      // The headers are out: a reader learns by the end of the stream, and EventSource comes back.
      this.logger.warn({ err: error, job_id: job.id }, 'an event stream was cut short');
      stream.end(retryMs);
    } finally {
      until?.removeEventListener('abort', comeBack);
      this.open.delete(stream);
    }
  }

  beforeApplicationShutdown(): void {
    this.open.forEach((stream) => stream.end(retryMs));
  }

  private async follow(
    job: Job,
    { stream, afterSeq, tellers }: { stream: SseStream; afterSeq: number; tellers: (PlaceTeller | PreviewTeller)[] },
  ): Promise<void> {
    const { tenant, id } = job;
    const teller = new JobEventTeller(id, job.startedAt);
    for await (const event of this.events.watch(tenant, id, { afterSeq, signal: stream.signal })) {
      tellers.forEach((one) => one.onEvent(event));
      const data = isFinalEvent(event) ? await this.views.of(await this.store.get(tenant, id)) : teller.tell(event);
      await stream.send({ event: event.type, id: event.seq, data });
    }
    stream.end();
  }
}
