import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import { DomainError } from '../../errors/domain-error.js';
import {
  Illustrator,
  type Drawing,
  type DrawingCheckpoint,
  type DrawingEvent,
  type DrawingTask,
  type IllustratorAvailability,
  type IllustratorProfile,
} from '../domain/illustrator.js';
import type { LoraFile } from '../domain/lora-file.js';
import { whyAborted } from '../domain/why-aborted.js';
import { encodeGreyscalePng } from './png.js';

const side = 64;
const previewSide = 8;

const profile: IllustratorProfile = {
  workerVersion: 'fake',
  model: 'fake',
  isDemoModel: true,
  about: 'No model at all: a grey pattern, made in the gateway itself.',
  device: 'cpu',
  dtype: 'uint8',
  ipAdapter: undefined,
  scheduler: 'none',
  engine: 'fake',
  maxOutstandingJobs: 8,
  defaultImageSize: side,
  minImageSize: side,
  maxImageSize: 2048,
  modelFiles: [],
  modelDigest: '0'.repeat(64),
  pictureSettings: '',
  heldLoras: [],
  maxLoraBytes: 2 ** 30,
};

/**
 * Draws a plain grey pattern in the gateway itself, so that the gateway runs with no worker (`ILLUSTRATOR=fake`) and
 * its tests need none. The same task gives the same picture; everything that would change a real picture changes it.
 * It tells of checkpoints and goes on from those of the same task, like the worker.
 */
export class FakeIllustrator extends Illustrator {
  /** @param checkpointEvery steps; 0: none */
  constructor(
    private readonly stepMs = 1,
    private readonly checkpointEvery = 10,
  ) {
    super();
  }

  availability(): IllustratorAvailability {
    return { isReady: true };
  }

  profile(): IllustratorProfile | undefined {
    return profile;
  }

  async describe(): Promise<IllustratorProfile | undefined> {
    return this.profile();
  }

  /** It encodes nothing. */
  async forgetEmbeddings(): Promise<number> {
    return 0;
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
    const loraSha256 = task.lora && (await digestOfFile(task.lora.file, signal));
    yield { type: 'started' };
    const { numInferenceSteps: total, previewEvery = 0 } = task;
    for (let index = stepsDone(task) + 1; index <= total; index += 1) {
      // An abort ends the pause early; `stopIfOver` then says why.
      await delay(this.stepMs, undefined, { signal }).catch(() => undefined);
      stopIfOver(signal, deadline);
      yield { type: 'step', index, total };
      if (isDue(index, previewEvery)) yield { type: 'preview', preview: { step: index, png: previewOf(task) } };
      if (isDue(index, this.checkpointEvery)) yield { type: 'checkpoint', checkpoint: checkpointOf(task, index) };
    }
    const picture = pictureOf(task, performance.now() - startedAt);
    yield { type: 'finished', drawing: { ...picture, ...(loraSha256 !== undefined && { loraSha256 }) } };
  }
}

function stopIfOver(signal: AbortSignal, deadline: Date): void {
  if (signal.aborted) throw whyAborted(signal);
  if (Date.now() >= deadline.getTime()) {
    throw new DomainError('deadline-exceeded', 'The time allowed for the drawing ran out.');
  }
}

function isDue(step: number, every: number): boolean {
  return every > 0 && step % every === 0;
}

function checkpointOf(task: DrawingTask, step: number): DrawingCheckpoint {
  return { step, state: Buffer.from(`${digestOf(task).toString('hex')}:${step}`) };
}

/** Of an earlier attempt; 0 for a checkpoint of another task. */
function stepsDone(task: DrawingTask): number {
  const { checkpoint } = task;
  if (checkpoint === undefined) return 0;
  return checkpoint.state.equals(checkpointOf(task, checkpoint.step).state) ? checkpoint.step : 0;
}

function previewOf(task: DrawingTask): Buffer {
  return encodeGreyscalePng(patternOf(task, previewSide, previewSide), previewSide, previewSide);
}

function pictureOf(task: DrawingTask, denoiseMs: number): Drawing {
  const { width = side, height = side } = task;
  const png = encodeGreyscalePng(patternOf(task, width, height), width, height);
  const sha256 = createHash('sha256').update(png).digest('hex');
  const timings = { queueMs: 0, encodeMs: 0, denoiseMs, decodeMs: 0, pngMs: 0 };
  return { png, sha256, width, height, timings, deviceMs: denoiseMs, warnings: [] };
}

async function digestOfFile(file: LoraFile, signal: AbortSignal): Promise<string> {
  const digest = createHash('sha256');
  for await (const piece of file.read(signal)) digest.update(piece);
  return digest.digest('hex');
}

/** Of all that makes the picture. At scale 0 a person or a LoRA does not count, as in the real one. */
function digestOf(task: DrawingTask): Buffer {
  const { prompt, prompt2, negativePrompt, numInferenceSteps, guidanceScale, seed, lora } = task;
  const words = [prompt, prompt2 ?? null, negativePrompt ?? null];
  const style = lora && lora.scale > 0 ? [lora.file.loraId, lora.file.version, lora.scale] : null;
  const people = task.people.filter(({ ipAdapterScale }) => ipAdapterScale > 0);
  const steering = people.map(({ ipAdapterScale, region }) => [ipAdapterScale, region ?? null]);
  const mode = people.length > 0 ? task.ipAdapterMode : null;
  const digest = createHash('sha512').update(
    JSON.stringify([words, numInferenceSteps, guidanceScale ?? null, seed, style, mode, steering]),
  );
  for (const { referenceImages } of people) for (const image of referenceImages) digest.update(image);
  return digest.digest();
}

/** An 8 x 8 chequer from the task's digest. */
function patternOf(task: DrawingTask, width: number, height: number): Uint8Array {
  const blocks = digestOf(task);
  const pixels = new Uint8Array(width * height);
  for (let at = 0; at < pixels.length; at += 1) {
    const [column, row] = [at % width, Math.floor(at / width)];
    pixels[at] = blocks[Math.floor((row * 8) / height) * 8 + Math.floor((column * 8) / width)] ?? 0;
  }
  return pixels;
}
