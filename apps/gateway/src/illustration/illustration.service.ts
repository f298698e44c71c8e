import { Injectable } from '@nestjs/common';

import { DomainError } from '../errors/domain-error.js';
import type { Quotas } from '../jobs/domain/quotas.js';
import { JobStore, type AcceptedJob } from '../jobs/job-store.js';
import { hashRequest } from '../jobs/idempotency.js';
import { drawSeed, newJobId, type NewJob } from '../jobs/new-job.js';
import { currentRequest } from '../observability/request-context.js';
import { currentTraceparent } from '../observability/tracing/traced.js';
import { toPayload } from './domain/illustration-payload.js';
import type { IllustrationRequest } from './domain/illustration-request.js';
import { sizeViolationsOf } from './domain/illustration-violations.js';
import { Illustrator } from './domain/illustrator.js';
import { LoraFiles } from './lora-files.js';
import { Results } from './results.js';

export interface AcceptOptions {
  /** From the credential, never from the request. */
  tenant: string;
  quotas: Quotas;
  requestId: string;
  /** 1 to 255 visible ASCII characters: REST's `Idempotency-Key`, gRPC's `request_id`. */
  idempotencyKey?: string;
  /** When the caller's patience ends: the job expires then. */
  deadline: Date;
  /** The picture is drawn, though the same one may be known. No part of the request: a replay is one whatever it says. */
  isFreshWanted?: boolean;
  /** Accepted although nothing can be drawn now: nobody waits, or the caller comes back with the same key. */
  isPatient: boolean;
}

/** Turns requests into jobs. What becomes of them is told by `JobEvents` and `JobStore`. */
@Injectable()
export class IllustrationService {
  constructor(
    private readonly illustrator: Illustrator,
    private readonly loraFiles: LoraFiles,
    private readonly results: Results,
    private readonly jobs: JobStore,
  ) {}

  /**
   * Accepts an illustration for good: it reaches a final state whatever crashes. Keys and seed are fixed here, so that
   * every attempt draws the same pictures to the same places.
   *
   * @throws DomainError `validation-failed`, `lora-not-found`, `lora-invalid`, `starting`, `draining`, `worker-unavailable`,
   *   `idempotency-key-reused`, `quota-exceeded`, `queue-full`, `storage-unavailable`
   */
  async accept(request: IllustrationRequest, options: AcceptOptions): Promise<AcceptedJob> {
    this.checkIllustrator(request, options.isPatient);
    await this.loraFiles.find(request);
    const accepted = await this.jobs.accept(this.toNewJob(request, options));
    const context = currentRequest();
    if (context !== undefined) context.jobId = accepted.job.id;
    return accepted;
  }

  private checkIllustrator(request: IllustrationRequest, isPatient: boolean): void {
    const availability = this.illustrator.availability();
    if (!availability.isReady && !isPatient) throw availability.error;
    const profile = this.illustrator.profile();
    if (profile === undefined) return;
    const violations = [...sizeViolationsOf(request, { min: profile.minImageSize, max: profile.maxImageSize })];
    if (violations.length > 0) {
      throw new DomainError('validation-failed', violations.map(({ detail }) => detail).join('; '), { violations });
    }
  }

  private toNewJob(request: IllustrationRequest, options: AcceptOptions): NewJob {
    const { tenant, quotas, requestId, idempotencyKey: key, deadline, isFreshWanted = false } = options;
    const id = newJobId();
    return {
      id,
      tenant,
      quotas,
      kind: request.kind,
      request: { ...toPayload(request), ...(isFreshWanted && { no_cache: true }) },
      seed: request.seed ?? drawSeed(),
      images: request.n,
      totalSteps: request.n * request.numInferenceSteps,
      resultKeys: this.results.keysOf(request, id),
      requestId,
      traceparent: currentTraceparent() ?? null,
      deadline,
      ...(key !== undefined && {
        idempotency: { key, requestHash: hashRequest({ kind: request.kind, ...request.given }) },
      }),
    };
  }
}
