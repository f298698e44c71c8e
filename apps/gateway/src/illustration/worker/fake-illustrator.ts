import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import { DomainError } from '../../errors/domain-error.js';
import {
  Illustrator,
  type Drawing,
  type DrawingEvent,
  type DrawingTask,
  type IllustratorAvailability,
} from '../domain/illustrator.js';
import { whyAborted } from '../domain/why-aborted.js';
import { encodeGreyscalePng } from './png.js';

const side = 64;

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
  const png = encodeGreyscalePng(patternOf(task), side, side);
  const sha256 = createHash('sha256').update(png).digest('hex');
  const timings = { queueMs: 0, encodeMs: 0, denoiseMs, decodeMs: 0, pngMs: 0 };
  return { png, sha256, width: side, height: side, timings };
}

/** Noise in 8 x 8 blocks from a digest of the task. At scale 0 a reference image does not count, as in the real one. */
function patternOf(task: DrawingTask): Uint8Array {
  const { prompt, prompt2, negativePrompt, numInferenceSteps, ipAdapterScale, seed } = task;
  const digest = createHash('sha512').update(
    JSON.stringify([prompt, prompt2 ?? null, negativePrompt ?? null, numInferenceSteps, ipAdapterScale, seed]),
  );
  if (ipAdapterScale > 0) for (const image of task.referenceImages) digest.update(image);
  const blocks = digest.digest();
  const pixels = new Uint8Array(side * side);
  for (let at = 0; at < pixels.length; at += 1) {
    const [x, y] = [at % side, Math.floor(at / side)];
    pixels[at] = blocks[Math.floor(y / 8) * 8 + Math.floor(x / 8)] ?? 0;
  }
  return pixels;
}
