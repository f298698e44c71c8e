import { Injectable, Logger } from '@nestjs/common';
import type { Response } from 'express';
import { randomUUID } from 'node:crypto';

import { currentCaller } from '../../auth/tenant.js';
import { AppConfig } from '../../config/app-config.js';
import { DomainError } from '../../errors/domain-error.js';
import type { Job } from '../../jobs/domain/job.js';
import { JobStore, type AcceptedJob } from '../../jobs/job-store.js';
import { QuotaExceededError } from '../../jobs/quota-check.js';
import { Shutdown } from '../../lifecycle/shutdown.js';
import { currentRequest } from '../../observability/request-context.js';
import type { IllustrationRequest } from '../domain/illustration-request.js';
import { whyAborted } from '../domain/why-aborted.js';
import { IllustrationService, type AcceptOptions } from '../illustration.service.js';
import { JobViews } from '../job-views.js';
import { JobWait } from '../job-wait.js';
import { failureOf, instanceLeaves, notInTime } from './call-failures.js';
import { isAsynchronous, type CallTerms } from './call-terms.js';
import { clientPresence } from './client-presence.js';
import type { ResponseFormat } from './dto/illustration-options.dto.js';
import { IllustrationReplies } from './illustration-replies.js';
import { JobEventStreams } from './job-events.js';
import { preferenceApplied } from './preference.js';
import { tellQuotas } from './rate-limit-headers.js';

/** When a caller whose job's end is unknown, or far away, should look again. */
const unknownEtaSeconds = 5;
const longestRetryAfterSeconds = 60;

/** One call to draw, from its acceptance to its answer: the pictures, the job, or its events. */
@Injectable()
export class IllustrationCalls {
  private readonly logger = new Logger(IllustrationCalls.name);

  constructor(
    private readonly config: AppConfig,
    private readonly service: IllustrationService,
    private readonly wait: JobWait,
    private readonly store: JobStore,
    private readonly views: JobViews,
    private readonly replies: IllustrationReplies,
    private readonly streams: JobEventStreams,
    private readonly shutdown: Shutdown,
  ) {}

  /** @throws DomainError as `IllustrationService.accept`, why the job failed, or `deadline-exceeded` */
  async answer(
    request: IllustrationRequest,
    { terms, format, response }: { terms: CallTerms; format: ResponseFormat; response: Response },
  ): Promise<void> {
    const presence = clientPresence(response);
    const { job, isReplay } = await this.accept(request, terms, response);
    if (isReplay) response.setHeader('Idempotency-Replayed', 'true');
    if (terms.wantsEvents) {
      response.setHeader('Location', addressOf(job));
      return this.streams.streamJobEvents(job, response, { until: this.shutdown.late });
    }
    const ended = await this.waitFor(job, terms, presence);
    if (ended !== undefined) return this.sendEnd(ended, { terms, format, response });
    if (presence.aborted) return this.onLeave(job, terms, presence);
    response.setHeader('Location', addressOf(job));
    if (isAsynchronous(terms) || terms.preference.waitSeconds !== undefined) {
      return this.sendAccepted(job, terms, response);
    }
    if (terms.idempotencyKey === undefined) await this.cancel(job);
    throw this.shutdown.late.aborted ? instanceLeaves() : notInTime();
  }

  private async accept(request: IllustrationRequest, terms: CallTerms, response: Response): Promise<AcceptedJob> {
    try {
      const accepted = await this.service.accept(request, this.acceptOptions(terms));
      tellQuotas(response, accepted.standings);
      return accepted;
    } catch (error) {
      if (error instanceof QuotaExceededError) tellQuotas(response, error.standings);
      throw error;
    }
  }

  private acceptOptions(terms: CallTerms): AcceptOptions {
    const { idempotencyKey, deadlineSeconds, preference, isFreshWanted } = terms;
    const { http, jobs } = this.config;
    const { tenant, quotas } = currentCaller();
    const mayOutliveCall =
      isAsynchronous(terms) || idempotencyKey !== undefined || preference.waitSeconds !== undefined;
    const askedMs = deadlineSeconds === undefined ? undefined : deadlineSeconds * 1000;
    // A job that ends with its call must be ready by then, or need not be begun.
    const deadlineMs = mayOutliveCall
      ? (askedMs ?? jobs.deadlineMs)
      : Math.min(askedMs ?? http.requestTimeoutMs, http.requestTimeoutMs);
    return {
      tenant,
      quotas,
      requestId: currentRequest()?.requestId ?? randomUUID(),
      ...(idempotencyKey !== undefined && { idempotencyKey }),
      deadline: new Date(Date.now() + deadlineMs),
      isFreshWanted,
      isPatient: mayOutliveCall,
    };
  }

  /** The ended job; undefined: the caller's time is up, or the caller is gone. */
  private async waitFor(job: Job, { preference }: CallTerms, presence: AbortSignal): Promise<Job | undefined> {
    const { isAsync, waitSeconds } = preference;
    const waitMs = waitSeconds === undefined ? (isAsync ? 0 : this.config.http.requestTimeoutMs) : waitSeconds * 1000;
    const timeUp = new AbortController();
    const timer = setTimeout(() => timeUp.abort(), waitMs);
    // Nothing to wait for: not even a look at the events.
    if (waitMs === 0) timeUp.abort();
    try {
      return await this.wait.forEnd(job, AbortSignal.any([presence, timeUp.signal, this.shutdown.late]));
    } finally {
      clearTimeout(timer);
    }
  }

  private async sendEnd(
    job: Job,
    { terms, format, response }: { terms: CallTerms; format: ResponseFormat; response: Response },
  ): Promise<void> {
    if (job.state !== 'succeeded') {
      response.setHeader('Location', addressOf(job));
      throw failureOf(job);
    }
    const body = await this.replies.of(job, format);
    setIfDefined(response, 'Preference-Applied', preferenceApplied(terms.preference, true));
    response.setHeader('Server-Timing', this.replies.serverTiming(job));
    // The prototype's callers compare with 200, and nothing is created under the address posted to.
    response.status(200).json(body);
  }

  private async sendAccepted(job: Job, { preference }: CallTerms, response: Response): Promise<void> {
    const view = await this.views.of(await this.store.get(job.tenant, job.id));
    const seconds = Math.min(Math.max(view.eta_seconds ?? unknownEtaSeconds, 1), longestRetryAfterSeconds);
    setIfDefined(response, 'Preference-Applied', preferenceApplied(preference, false));
    response.setHeader('Retry-After', String(seconds));
    response.status(202).json(view);
  }

  /** Nobody would look at the picture of a caller who left without a key or an address to come back with. */
  private async onLeave(job: Job, terms: CallTerms, presence: AbortSignal): Promise<never> {
    if (!isAsynchronous(terms) && terms.idempotencyKey === undefined) await this.cancel(job);
    throw whyAborted(presence);
  }

  private async cancel({ tenant, id }: Job): Promise<void> {
    try {
      await this.store.requestCancel(tenant, id);
    } catch (error) {
      // It has just ended.
      if (error instanceof DomainError && error.reason === 'job-not-cancelable') return;
      this.logger.warn({ err: error, job_id: id }, 'a job was not cancelled; its deadline will end it');
    }
  }
}

function addressOf({ id }: Job): string {
  return `/v1/jobs/${id}`;
}

function setIfDefined(response: Response, name: string, value: string | undefined): void {
  if (value !== undefined) response.setHeader(name, value);
}
