import type { ServerWritableStream } from '@grpc/grpc-js';
import { Injectable, Logger } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Observable, type Subscriber } from 'rxjs';

import { currentCaller } from '../../auth/tenant.js';
import { AppConfig } from '../../config/app-config.js';
import type { DomainError } from '../../errors/domain-error.js';
import type { IllustrateRequest, IllustrateResponse } from '../../generated/autobio/illustration/v1/illustration.js';
import { isFinalEvent } from '../../jobs/domain/job-event.js';
import { isFinal, type Job } from '../../jobs/domain/job.js';
import { JobEvents } from '../../jobs/job-events.js';
import { JobPreviews } from '../../jobs/job-previews.js';
import { JobStore } from '../../jobs/job-store.js';
import { currentRequest } from '../../observability/request-context.js';
import { toIdempotencyKey } from '../domain/idempotency-key.js';
import { IllustrationService } from '../illustration.service.js';
import { JobEventTeller } from '../job-event-view.js';
import { JobViews } from '../job-views.js';
import { PlaceTeller } from '../place-teller.js';
import { PreviewTeller } from '../preview-teller.js';
import { deadlineOf, isTimeUp } from './call-deadline.js';
import { toIllustrationRequest } from './illustrate-request.js';
import { toJobMessage, toPreviewMessage, toProgressMessage } from './job-messages.js';

type Call = ServerWritableStream<IllustrateRequest, IllustrateResponse>;

interface Following {
  call: Call;
  /** Aborted when the caller has left or the service shuts down. */
  signal: AbortSignal;
  subscriber: Subscriber<IllustrateResponse>;
}

/** The calls of `Illustrate`: each accepts a job, or finds it by its request id, and tells its way to the end. */
@Injectable()
export class IllustrateCalls {
  private readonly logger = new Logger(IllustrateCalls.name);
  private readonly open = new Set<(why: DomainError) => void>();

  constructor(
    private readonly config: AppConfig,
    private readonly service: IllustrationService,
    private readonly store: JobStore,
    private readonly events: JobEvents,
    private readonly views: JobViews,
    private readonly previews: JobPreviews,
  ) {}

  /** Calls going on now. */
  get count(): number {
    return this.open.size;
  }

  /** Tells the callers that this instance cannot go on telling them. Their jobs go on. */
  endAll(why: DomainError): void {
    this.open.forEach((end) => end(why));
  }

  /** Errors with DomainErrors. An unsubscription is the caller's leaving. */
  follow(request: IllustrateRequest, call: Call): Observable<IllustrateResponse> {
    return new Observable((subscriber) => {
      const over = new AbortController();
      const end = (why: DomainError): void => subscriber.error(why);
      this.open.add(end);
      this.run(request, { call, signal: over.signal, subscriber }).then(
        () => subscriber.complete(),
        (error: unknown) => subscriber.error(error),
      );
      return () => {
        this.open.delete(end);
        over.abort();
      };
    });
  }

  private async run(request: IllustrateRequest, following: Following): Promise<void> {
    const { tenant, quotas } = currentCaller();
    const deadline = deadlineOf(following.call, this.config.jobs.deadlineMs);
    const { job } = await this.service.accept(toIllustrationRequest(request, this.config.defaults), {
      tenant,
      quotas,
      requestId: currentRequest()?.requestId ?? randomUUID(),
      idempotencyKey: request.requestId === undefined ? undefined : toIdempotencyKey(request.requestId),
      deadline,
      isFreshWanted: request.noCache ?? false,
      isPatient: request.requestId !== undefined,
    });
    try {
      await this.tell(job, following);
    } finally {
      if (following.call.cancelled && request.requestId === undefined && !isTimeUp(deadline)) await this.abandon(job);
    }
  }

  private async tell(job: Job, following: Following): Promise<void> {
    const { signal, subscriber } = following;
    subscriber.next({ event: { $case: 'accepted', value: toJobMessage(await this.views.of(job)) } });
    const place = new PlaceTeller(job, this.store, this.views);
    const previews = new PreviewTeller(job, this.previews);
    const told = new AbortController();
    const untilTold = AbortSignal.any([signal, told.signal]);
    const waiting = place.tellWhileWaiting({
      signal: untilTold,
      tell: (now) =>
        subscriber.next({ event: { $case: 'progress', value: toProgressMessage({ state: 'queued', ...now }) } }),
    });
    const showing = previews.tellWhileDrawn({
      signal: untilTold,
      tell: (preview) => send({ $case: 'preview', value: toPreviewMessage(preview) }, following),
    });
    // Until the events have ended; a place that cannot be looked up ends the call with its error.
    const telling = this.tellEvents(job, [place, previews], following).finally(() => told.abort());
    await Promise.all([telling, waiting, showing]);
  }

  private async tellEvents(job: Job, tellers: (PlaceTeller | PreviewTeller)[], following: Following): Promise<void> {
    const { signal } = following;
    const teller = new JobEventTeller(job.id, job.startedAt);
    // A job that has moved before this call tells only what is new, and in any case how it ended.
    const afterSeq = isFinal(job.state) ? job.lastSeq - 1 : job.lastSeq;
    for await (const event of this.events.watch(job.tenant, job.id, { afterSeq, signal })) {
      tellers.forEach((one) => one.onEvent(event));
      const value = isFinalEvent(event)
        ? await this.endOf(job)
        : ({ $case: 'progress', value: toProgressMessage(teller.tell(event)) } as const);
      await send(value, following);
    }
  }

  private async endOf({ tenant, id }: Job) {
    return { $case: 'ended', value: toJobMessage(await this.views.of(await this.store.get(tenant, id))) } as const;
  }

  /** Nobody waits for this job, and nobody could find it again. */
  private async abandon({ tenant, id }: Job): Promise<void> {
    try {
      await this.store.requestCancel(tenant, id);
    } catch (error) {
      // It may have ended by itself in between; else its deadline ends it.
      this.logger.debug({ err: error, job_id: id }, 'a job whose caller left was not cancelled');
    }
  }
}

/** Resolves when the caller is ready for the next one. */
async function send(event: IllustrateResponse['event'], { call, signal, subscriber }: Following): Promise<void> {
  subscriber.next({ event });
  if (call.writableNeedDrain) await once(call, 'drain', { signal }).catch(() => undefined);
}
