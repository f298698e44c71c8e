import { createHash } from 'node:crypto';

import { DomainError } from '../../errors/domain-error.js';
import {
  IpAdapterMode as WireMode,
  type Finished,
  type GenerateRequest,
  type GenerateResponse,
  type Timings,
} from '../../generated/autobio/worker/v1/worker.js';
import { type DescribeResponse } from '../../generated/autobio/worker/v1/model.js';
import type { IpAdapterMode } from '../domain/illustration-values.js';
import type { Drawing, DrawingEvent, DrawingTask, DrawingTimings, IllustratorProfile } from '../domain/illustrator.js';
import { milliseconds } from './durations.js';

/** The largest picture taken from the worker; more is a fault of its. */
const maxPngBytes = 64 * 1024 * 1024;

const wireModes: Readonly<Record<IpAdapterMode, WireMode>> = {
  full: WireMode.IP_ADAPTER_MODE_FULL,
  style: WireMode.IP_ADAPTER_MODE_STYLE,
  layout: WireMode.IP_ADAPTER_MODE_LAYOUT,
  style_layout: WireMode.IP_ADAPTER_MODE_STYLE_LAYOUT,
};

export function toGenerateRequest(task: DrawingTask): GenerateRequest {
  return {
    jobId: task.jobId,
    requestId: task.requestId,
    prompt: task.prompt,
    prompt2: task.prompt2,
    negativePrompt: task.negativePrompt,
    numInferenceSteps: task.numInferenceSteps,
    people: task.people,
    ipAdapterMode: wireModes[task.ipAdapterMode],
    lora: task.lora && { loraId: task.lora.file.loraId, version: task.lora.file.version, scale: task.lora.scale },
    guidanceScale: task.guidanceScale,
    width: task.width,
    height: task.height,
    seed: task.seed,
    previewEvery: task.previewEvery,
    wantsCheckpoints: true,
    checkpoint: task.checkpoint?.state,
  };
}

export function toProfile(description: DescribeResponse): IllustratorProfile {
  return {
    workerVersion: description.workerVersion,
    model: description.model,
    isDemoModel: description.isDemoModel,
    about: description.about,
    device: description.device,
    dtype: description.dtype,
    ipAdapter: description.ipAdapter,
    scheduler: description.scheduler,
    engine: description.engine,
    maxOutstandingJobs: description.maxOutstandingJobs,
    defaultImageSize: description.defaultImageSize,
    minImageSize: description.minImageSize,
    maxImageSize: description.maxImageSize,
    modelFiles: description.modelFiles.map((file) => ({ ...file, sizeBytes: Number(file.sizeBytes) })),
    modelDigest: description.modelDigest,
    heldLoras: description.heldLoras.map((lora) => ({ ...lora, sizeBytes: Number(lora.sizeBytes) })),
    maxLoraBytes: Number(description.maxLoraBytes),
    pictureSettings: description.pictureSettings,
  };
}

/** Turns the worker's stream into events and puts the picture together. One for each call. */
export class DrawingAssembly {
  private readonly chunks: Buffer[] = [];
  private length = 0;
  private finished: Finished | undefined;

  /** The event that `response` means to a watcher; undefined for pieces of the picture and unknown events. */
  accept({ event }: GenerateResponse): DrawingEvent | undefined {
    switch (event?.$case) {
      case 'queued':
        return { type: 'queued', position: event.value.position };
      case 'started':
        return { type: 'started' };
      case 'step':
        return { type: 'step', index: event.value.index, total: event.value.total };
      case 'imageChunk':
        this.append(event.value.data);
        break;
      case 'finished':
        this.finished = event.value;
        break;
      case 'preview':
        return { type: 'preview', preview: { step: event.value.index, png: event.value.png } };
      case 'checkpoint':
        return { type: 'checkpoint', checkpoint: { step: event.value.index, state: event.value.state } };
      case 'loraNeeded': // answered before it comes here
      case undefined: // an event of a newer worker
        break;
    }
    return undefined;
  }

  /** The whole picture, once the stream has ended. @throws DomainError `generation-failed` unless it is intact. */
  drawing(): Drawing {
    const { finished } = this;
    if (finished === undefined) throw broken('The worker ended without a picture.');
    const png = Buffer.concat(this.chunks, this.length);
    const sha256 = createHash('sha256').update(png).digest('hex');
    if (BigInt(png.length) !== finished.sizeBytes || sha256 !== finished.sha256) {
      throw broken('The picture was damaged on its way from the worker.');
    }
    const { width, height, timings, deviceTime, loraSha256, warnings } = finished;
    return {
      png,
      sha256,
      width,
      height,
      timings: toDrawingTimings(timings),
      ...(deviceTime !== undefined && { deviceMs: milliseconds(deviceTime) }),
      ...(loraSha256 !== undefined && { loraSha256 }),
      warnings,
    };
  }

  private append(data: Buffer): void {
    this.length += data.length;
    if (this.length > maxPngBytes) throw broken('The picture is larger than any picture should be.');
    this.chunks.push(data);
  }
}

function toDrawingTimings(timings: Timings | undefined): DrawingTimings {
  return {
    queueMs: milliseconds(timings?.queue),
    encodeMs: milliseconds(timings?.encode),
    denoiseMs: milliseconds(timings?.denoise),
    decodeMs: milliseconds(timings?.decode),
    pngMs: milliseconds(timings?.png),
  };
}

function broken(detail: string): DomainError {
  return new DomainError('generation-failed', detail);
}
