import type { Job, JobProgress, JobState, JsonObject } from '../jobs/domain/job.js';
import type { JobErrorView } from './job-error-view.js';

/**
 * A job as callers see it: the one JSON shape of job pages, lists, replies and events; the gRPC message is made of it
 * too. A member that has nothing to say is absent. Times are ISO 8601 in UTC.
 */
export interface JobView {
  job_id: string;
  kind: string;
  state: JobState;
  created_at: string;
  /** Start of the latest attempt. */
  started_at?: string;
  finished_at?: string;
  /** The job expires then. */
  deadline?: string;
  /** Attempts begun, from 0. */
  attempt: number;
  /** A caller has asked for the end; while the job is running, its run is being stopped. */
  cancel_requested: boolean;
  progress?: JobProgressView;
  /** Jobs in front of this one while it is queued. */
  queue_position?: number;
  /** Seconds until the job is likely to end, by what recent jobs took. */
  eta_seconds?: number;
  /** The pictures of a succeeded job. */
  data?: IllustrationView[];
  /** What the caller should know of them, a sentence each. */
  warnings?: string[];
  /** Of a succeeded job: all its pictures are copies of known ones, and nothing was drawn. */
  cached?: boolean;
  /** How a succeeded job was drawn. */
  receipt?: JsonObject;
  /** Why a failed, canceled or expired job ended so. */
  error?: JobErrorView;
}

export interface JobProgressView {
  /** Denoising steps done of the current picture, and of how many. */
  step: number;
  total_steps: number;
  /** The picture being drawn, from 1, and of how many. */
  image: number;
  images: number;
}

/** One picture of a succeeded job. */
export interface IllustrationView {
  /** Where it lies: s3://bucket/key. */
  s3_uri: string;
  /** Where a browser can fetch it, if only for some time. */
  url: string;
  seed: number;
  width: number;
  height: number;
  /** SHA-256 of the PNG, lower-case hexadecimal. */
  sha256: string;
}

export interface QueueView {
  queue_position: number;
  eta_seconds?: number;
}

export function toProgressView({ step, total, image, images }: JobProgress): JobProgressView {
  return { step, total_steps: total, image, images };
}

/** Milliseconds until a run ends that goes on at the speed it had so far; null: it has not moved yet. */
export function remainingMs(elapsedMs: number, { step, total, image, images }: JobProgress): number | null {
  const done = (image - 1) * total + step;
  return done === 0 ? null : Math.max((elapsedMs * (images * total - done)) / done, 0);
}

/** Whole seconds; a caller is better told too much than too little. */
export function toEtaSeconds(ms: number | null): number | undefined {
  return ms === null ? undefined : Math.ceil(ms / 1000);
}

export function isoTime(time: Job['startedAt']): string | undefined {
  return time?.toISOString();
}
