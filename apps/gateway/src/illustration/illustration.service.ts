import { Injectable, Logger } from '@nestjs/common';
import { randomInt, randomUUID } from 'node:crypto';

import { AppConfig } from '../config/app-config.js';
import { currentRequest } from '../observability/request-context.js';
import type { ObjectLocation } from '../storage/object-store.js';
import { Dispatch } from './dispatch.js';
import { seedRange, type IllustrationRequest } from './domain/illustration-request.js';
import type { Drawing, DrawingTask } from './domain/illustrator.js';
import { composePrompts } from './domain/prompt-composition.js';
import { LoraAdmission } from './lora-admission.js';
import { ReferenceImages } from './reference-images.js';
import { Results } from './results.js';
import { Stopwatch } from './stopwatch.js';
import { TimeLimit } from './time-limit.js';

/** A finished illustration, for the caller. */
export interface Illustration {
  location: ObjectLocation;
  /** The one asked for, or the one drawn: with it the same request gives the same picture. */
  seed: number;
}

export interface Caller {
  requestId: string;
  /** Aborted when the caller leaves. */
  signal: AbortSignal;
}

/** Draws one illustration from request to stored picture. */
@Injectable()
export class IllustrationService {
  private readonly logger = new Logger(IllustrationService.name);

  constructor(
    private readonly config: AppConfig,
    private readonly loras: LoraAdmission,
    private readonly referenceImages: ReferenceImages,
    private readonly dispatch: Dispatch,
    private readonly results: Results,
  ) {}

  /** @throws DomainError with any reason of preparing, drawing or storing; `deadline-exceeded` when time runs out. */
  async draw(request: IllustrationRequest, caller: Caller): Promise<Illustration> {
    this.dispatch.admit();
    const limit = new TimeLimit(this.config.http.requestTimeoutMs, caller.signal);
    const stopwatch = new Stopwatch();
    try {
      const task = await this.prepare(request, caller.requestId, limit.signal);
      stopwatch.lap('reference_ms');
      const drawing = await this.dispatch.draw(task, limit);
      stopwatch.lap('draw_ms');
      const location = await this.results.keep(request, task.jobId, drawing.png, limit.signal);
      stopwatch.lap('store_ms');
      this.logDrawn(request, task, drawing, stopwatch);
      return { location, seed: task.seed };
    } finally {
      limit.clear();
    }
  }

  private async prepare(request: IllustrationRequest, requestId: string, signal: AbortSignal): Promise<DrawingTask> {
    const jobId = randomUUID();
    const context = currentRequest();
    if (context !== undefined) context.jobId = jobId;
    await this.loras.check(request, signal);
    const referenceImages = await this.referenceImages.read(request, signal);
    return {
      jobId,
      requestId,
      ...composePrompts(request),
      negativePrompt: request.negativePrompt,
      numInferenceSteps: request.numInferenceSteps,
      ipAdapterScale: request.ipAdapterScale,
      seed: request.seed ?? randomInt(seedRange.max + 1),
      referenceImages,
    };
  }

  /** Where the time went. Never the prompts: they are people's memories. */
  private logDrawn(request: IllustrationRequest, task: DrawingTask, drawing: Drawing, stopwatch: Stopwatch): void {
    const { timings, png, width, height } = drawing;
    this.logger.log(
      {
        kind: request.kind,
        num_inference_steps: task.numInferenceSteps,
        width,
        height,
        png_bytes: png.length,
        sha256: drawing.sha256,
        ...stopwatch.laps(),
        worker_queue_ms: Math.round(timings.queueMs),
        worker_encode_ms: Math.round(timings.encodeMs),
        worker_denoise_ms: Math.round(timings.denoiseMs),
        worker_decode_ms: Math.round(timings.decodeMs),
        worker_png_ms: Math.round(timings.pngMs),
      },
      'illustration drawn',
    );
  }
}
