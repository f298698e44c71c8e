import type { DomainError } from '../../errors/domain-error.js';
import type { IpAdapterMode, Region } from './illustration-values.js';
import type { IllustratorProfile } from './illustrator-profile.js';
import type { LoraFile } from './lora-file.js';

export type { IllustratorProfile } from './illustrator-profile.js';

/** What the worker is asked to draw: prompts composed, defaults applied, references read. */
export interface DrawingTask {
  jobId: string;
  requestId: string;
  prompt: string;
  /** For the second text encoder; absent: `prompt` serves both. */
  prompt2?: string;
  negativePrompt?: string;
  numInferenceSteps: number;
  /** Who is to be seen; none: drawn from the prompt alone. Several each have a region. */
  people: DrawnPerson[];
  ipAdapterMode: IpAdapterMode;
  lora?: DrawnLora;
  /** Absent: the worker's default, as for the sizes. */
  guidanceScale?: number;
  /** Pixels, a multiple of 8. */
  width?: number;
  height?: number;
  /** 0 to 2^32 - 1. */
  seed: number;
  /** Steps from one preview to the next; absent: none. */
  previewEvery?: number;
  /** The latest of an earlier attempt at this very picture. One that does not fit is ignored. */
  checkpoint?: DrawingCheckpoint;
}

/** A person to draw. */
export interface DrawnPerson {
  /** PNG, JPEG or WebP files as stored, 1 to 5; the worker checks them. */
  referenceImages: Buffer[];
  ipAdapterScale: number;
  /** Absent: anywhere. */
  region?: Region;
}

/** A LoRA to draw with. */
export interface DrawnLora {
  file: LoraFile;
  scale: number;
}

/** From here an interrupted drawing can go on, and end with the picture it would have had. */
export interface DrawingCheckpoint {
  /** Denoising steps done. */
  step: number;
  /** Opaque; for a worker of the same build with the same model. */
  state: Buffer;
}

/** A rough view of the unfinished picture. */
export interface DrawingPreview {
  /** Denoising steps done. */
  step: number;
  /** A small PNG. */
  png: Buffer;
}

export type DrawingEvent =
  | { type: 'queued'; position: number }
  /** So much of its LoRA has gone to the worker, which waits for it; another drawing may be the one that brings it. */
  | { type: 'lora'; sentBytes: number }
  | { type: 'started' }
  /** `index` of `total` denoising steps are done. */
  | { type: 'step'; index: number; total: number }
  | { type: 'preview'; preview: DrawingPreview }
  | { type: 'checkpoint'; checkpoint: DrawingCheckpoint }
  /** The last event: the picture. */
  | { type: 'finished'; drawing: Drawing };

export interface Drawing {
  png: Buffer;
  /** SHA-256 of `png`, lower-case hexadecimal; verified by the adapter. */
  sha256: string;
  width: number;
  height: number;
  timings: DrawingTimings;
  /** The device's time for this picture, its share of steps shared with others; undefined: the worker does not tell. */
  deviceMs?: number;
  /** SHA-256 of the LoRA file that was applied, lower-case hexadecimal; undefined: none was. */
  loraSha256?: string;
  /** What the caller should know of the picture, a sentence each. */
  warnings: string[];
}

/** Milliseconds spent in the worker. */
export interface DrawingTimings {
  queueMs: number;
  encodeMs: number;
  denoiseMs: number;
  decodeMs: number;
  pngMs: number;
}

/** Can a drawing start now, and if not, why: in words for the health page, as an error for a request. */
export type IllustratorAvailability = { isReady: true } | { isReady: false; error: DomainError };

/**
 * The port to whatever draws. `GrpcIllustrator` is the real one; `FakeIllustrator` lets the gateway run with no worker.
 */
export abstract class Illustrator {
  /**
   * Draws one picture. Aborting `signal` stops the work within one denoising step.
   *
   * @throws DomainError from the iteration: `avatar-invalid`, `worker-unavailable`, `starting`, `draining`,
   *   `lora-invalid`, `queue-full`, `deadline-exceeded`, `gpu-out-of-memory`, `generation-failed`, `canceled`.
   */
  abstract draw(task: DrawingTask, options: { signal: AbortSignal; deadline: Date }): AsyncIterable<DrawingEvent>;

  /** Known without asking: the adapter keeps watching the worker's health. */
  abstract availability(): IllustratorAvailability;

  /** Known without asking, like the availability; undefined: not told yet. Of a worker that left: its last. */
  abstract profile(): IllustratorProfile | undefined;

  /** Asks for the profile now, for what changes in it: the LoRAs it holds. What is known already when it does not answer. */
  abstract describe(): Promise<IllustratorProfile | undefined>;

  /**
   * Has it drop everything it keeps of prompts and reference images it has encoded, whosever they are.
   *
   * @returns how many entries there were
   * @throws DomainError `worker-unavailable`, `starting`, `deadline-exceeded` and others of `draw`
   */
  abstract forgetEmbeddings(): Promise<number>;

  /** Calls the listener when availability or profile may have changed. @returns how to stop that */
  abstract onChange(listener: () => void): () => void;
}
