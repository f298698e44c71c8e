import { z } from 'zod';

import type { Job, JsonObject } from '../jobs/domain/job.js';
import type { MadePicture } from './made-picture.js';

const result = z.object({
  images: z.array(
    z.object({
      key: z.string(),
      seed: z.number(),
      width: z.number(),
      height: z.number(),
      sha256: z.string(),
      size_bytes: z.number(),
    }),
  ),
  /** Jobs of before there were warnings have none. */
  warnings: z.array(z.string()).default([]),
  /** Copies of known pictures among them. Jobs of before there was a cache have none. */
  cached_images: z.number().default(0),
});

const ms = z.number().nonnegative();
const timings = z.object({
  /** From accept to the start of the attempt, and waiting for the device in the worker. */
  queue_ms: ms,
  reference_ms: ms,
  encode_ms: ms,
  denoise_ms: ms,
  decode_ms: ms,
  png_ms: ms,
  upload_ms: ms,
  /** Bytes on their way between the processes, and looking for results of earlier attempts. */
  other_ms: ms,
  total_ms: ms,
});

/** Where the time of a job went, milliseconds. The stages are the whole: `other` is what none of them explains. */
export type JobTimings = z.infer<typeof timings>;

/** What `Job.result` holds of each picture: places are told as keys, and made addresses when they are read. */
export type ResultImage = z.infer<typeof result>['images'][number];

export function toResult(pictures: readonly MadePicture[]): JsonObject {
  const images = pictures.map(({ picture, seed }): ResultImage => ({
    key: picture.key,
    seed,
    width: picture.width,
    height: picture.height,
    sha256: picture.sha256,
    size_bytes: picture.sizeBytes,
  }));
  const warnings = new Set(pictures.flatMap(({ drawing, copied }) => (drawing ?? copied)?.warnings ?? []));
  const copies = pictures.filter(({ copied }) => copied !== undefined);
  return { images, warnings: [...warnings], cached_images: copies.length };
}

/** The pictures of a succeeded job. */
export function imagesOf(job: Pick<Job, 'result'>): ResultImage[] {
  return result.parse(job.result).images;
}

/** What the caller should know of the pictures of a succeeded job, each sentence once. */
export function warningsOf(job: Pick<Job, 'result'>): string[] {
  return result.parse(job.result).warnings;
}

/** Whether every picture of a succeeded job is a copy of one that was known: nothing was drawn. */
export function isCached(job: Pick<Job, 'result'>): boolean {
  const { images, cached_images: copies } = result.parse(job.result);
  return images.length > 0 && copies === images.length;
}

/** The timings in a succeeded job's receipt. */
export function timingsOf(job: Pick<Job, 'receipt'>): JobTimings {
  return timings.parse(job.receipt?.['timings']);
}
