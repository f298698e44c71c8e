import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import { DomainError } from '../../errors/domain-error.js';
import {
  Illustrator,
  type Drawing,
  type DrawingEvent,
  type DrawingTask,
  type IllustratorAvailability,
  type IllustratorProfile,
} from '../domain/illustrator.js';
import { whyAborted } from '../domain/why-aborted.js';
import { encodeGreyscalePng } from './png.js';

const side = 64;

const profile: IllustratorProfile = {
  workerVersion: 'fake',
  model: 'fake',
  isDemoModel: true,
  device: 'cpu',
  dtype: 'uint8',
  ipAdapter: undefined,
  scheduler: 'none',
  engine: 'fake',
  maxOutstandingJobs: 8,
  maxImageSize: 2048,
};

/**
 * Draws a plain grey pattern in the gateway itself, so that the gateway runs with no worker (`ILLUSTRATOR=fake`) and
 * its tests need none. The same task gives the same picture; everything that would change a real picture changes it.
 */
export class FakeIllustrator extends Illustrator {
  constructor(private readonly stepMs = 1) {
    super();
  }

  availability(): IllustratorAvailability {
    return { isReady: true };
  }

  profile(): IllustratorProfile | undefined {
    return profile;
  }

  /** It never changes. */
  onChange(): () => void {
    return () => undefined;
  }

  async *draw(
    task: DrawingTask,
    { signal, deadline }: { signal: AbortSignal; deadline: Date },
  ): AsyncGenerator<DrawingEvent> {
    const startedAt = performance.now();
    stopIfOver(signal, deadline);
    yield { type: 'started' };
    for (let index = 1; index <= task.numInferenceSteps; index += 1) {
      // An abort ends the pause early; `stopIfOver` then says why.
      await delay(this.stepMs, undefined, { signal }).catch(() => undefined);
      stopIfOver(signal, deadline);
      yield { type: 'step', index, total: task.numInferenceSteps };
    }
    yield { type: 'finished', drawing: pictureOf(task, performance.now() - startedAt) };
  }
}

function stopIfOver(signal: AbortSignal, deadline: Date): void {
  if (signal.aborted) throw whyAborted(signal);
  if (Date.now() >= deadline.getTime()) {
    throw new DomainError('deadline-exceeded', 'The time allowed for the drawing ran out.');
  }
}

function pictureOf(task: DrawingTask, denoiseMs: number): Drawing {
  const { width = side, height = side } = task;
  const png = encodeGreyscalePng(patternOf(task, width, height), width, height);
  const sha256 = createHash('sha256').update(png).digest('hex');
  const timings = { queueMs: 0, encodeMs: 0, denoiseMs, decodeMs: 0, pngMs: 0 };
  return { png, sha256, width, height, timings, deviceMs: denoiseMs };
}

/** An 8 x 8 chequer from a digest of the task. At scale 0 a reference image does not count, as in the real one. */
function patternOf(task: DrawingTask, width: number, height: number): Uint8Array {
  const { prompt, prompt2, negativePrompt, numInferenceSteps, ipAdapterScale, guidanceScale, seed } = task;
  const words = [prompt, prompt2 ?? null, negativePrompt ?? null];
  const digest = createHash('sha512').update(
    JSON.stringify([words, numInferenceSteps, ipAdapterScale, guidanceScale ?? null, seed]),
  );
  if (ipAdapterScale > 0) for (const image of task.referenceImages) digest.update(image);
  const blocks = digest.digest();
  const pixels = new Uint8Array(width * height);
  for (let at = 0; at < pixels.length; at += 1) {
    const [column, row] = [at % width, Math.floor(at / width)];
    pixels[at] = blocks[Math.floor((row * 8) / height) * 8 + Math.floor((column * 8) / width)] ?? 0;
  }
  return pixels;
}
