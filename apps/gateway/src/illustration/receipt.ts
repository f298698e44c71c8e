import type { Job, JsonObject } from '../jobs/domain/job.js';
import type { IllustrationRequest } from './domain/illustration-request.js';
import { toPeoplePayload } from './domain/people-payload.js';
import type { Drawing, IllustratorProfile } from './domain/illustrator.js';
import type { JobTimings } from './job-outcome.js';
import type { MadePicture } from './made-picture.js';

export interface Run {
  job: Job;
  request: IllustrationRequest;
  attempt: number;
  pictures: MadePicture[];
  referenceMs: number;
  /** From the start of the run to its end. */
  runMs: number;
  /** Whoever drew; undefined: nothing was drawn, or the worker had not described itself. */
  profile: IllustratorProfile | undefined;
}

/**
 * How the job was drawn: enough to draw it again, and what it cost. It holds none of the words.
 *
 * Timings and `gpu_seconds` are those of the attempt that completed the job. Pictures which an earlier attempt drew are
 * marked `adopted`; what they cost was lost with that attempt, so they have no `gpu_seconds`. `resumed_from_step` tells
 * how many steps an earlier attempt had made, which are not in them either; of a job, that of its first such picture.
 * `cached_from` names the job whose picture this is a copy of: that one's receipt tells what it cost, here it is nothing.
 */
export function toReceipt(run: Run): JsonObject {
  const { job, request, profile, pictures } = run;
  // A copy is of this very worker, model and settings: else it would not have been found.
  const hasDrawn = pictures.some(({ drawing, copied }) => drawing !== undefined || copied !== undefined);
  return {
    attempt: run.attempt,
    adopted: pictures.some(({ isAdopted }) => isAdopted),
    cached_images: pictures.filter(({ copied }) => copied !== undefined).length,
    resumed_from_step: pictures.find((one) => one.resumedFromStep !== undefined)?.resumedFromStep ?? null,
    seed: job.seed,
    num_inference_steps: request.numInferenceSteps,
    guidance_scale: request.guidanceScale,
    ip_adapter_scale: request.ipAdapterScale,
    ip_adapter_mode: request.ipAdapterMode,
    people: request.people === undefined ? null : toPeoplePayload(request.people),
    lora_id: request.loraId ?? null,
    lora: toLora(run),
    drawn_by: hasDrawn && profile !== undefined ? toMaker(profile) : null,
    images: pictures.map(toImageReceipt),
    timings: { ...toTimings(run) },
    gpu_seconds: seconds(sum(pictures.map(deviceMsOf))),
  };
}

function toLora({ request, pictures }: Run): JsonObject | null {
  const { loraId, loraScale } = request;
  if (loraId === undefined) return null;
  const sha256 = pictures
    .map(({ drawing, copied }) => (drawing ?? copied)?.loraSha256)
    .find((one) => one !== undefined);
  return { id: loraId, scale: loraScale ?? null, sha256: sha256 ?? null };
}

function toMaker(profile: IllustratorProfile): JsonObject {
  return {
    worker_version: profile.workerVersion,
    engine: profile.engine,
    model: profile.model,
    is_demo_model: profile.isDemoModel,
    ip_adapter: profile.ipAdapter ?? null,
    scheduler: profile.scheduler,
    device: profile.device,
    dtype: profile.dtype,
    model_digest: profile.modelDigest,
    model_files: profile.modelFiles.map(({ role, kind, sha256 }) => ({ role, kind, sha256 })),
  };
}

function toImageReceipt(made: MadePicture): JsonObject {
  const { picture, seed, drawing, copied, isAdopted, resumedFromStep } = made;
  return {
    seed,
    width: picture.width,
    height: picture.height,
    sha256: picture.sha256,
    size_bytes: picture.sizeBytes,
    adopted: isAdopted,
    cached_from: copied?.jobId ?? null,
    resumed_from_step: resumedFromStep ?? null,
    // Of a picture that was found nobody knows.
    gpu_seconds: drawing === undefined && copied === undefined ? null : seconds(deviceMsOf(made)),
  };
}

function toTimings({ job, pictures, referenceMs, runMs }: Run): JobTimings {
  const inWorker = (stage: keyof Drawing['timings']): number =>
    sum(pictures.map((one) => one.drawing?.timings[stage] ?? 0));
  const waitedMs = job.startedAt === null ? 0 : Math.max(job.startedAt.getTime() - job.createdAt.getTime(), 0);
  const queuedInWorkerMs = inWorker('queueMs');
  const stages = {
    queue_ms: rounded(waitedMs + queuedInWorkerMs),
    reference_ms: rounded(referenceMs),
    encode_ms: rounded(inWorker('encodeMs')),
    denoise_ms: rounded(inWorker('denoiseMs')),
    decode_ms: rounded(inWorker('decodeMs')),
    png_ms: rounded(inWorker('pngMs')),
    upload_ms: rounded(sum(pictures.map(({ uploadMs }) => uploadMs))),
  };
  const known = sum(Object.values(stages));
  // The worker's clock may tell more than ours: nothing is left over then.
  const other = rounded(Math.max(waitedMs + runMs - known, 0));
  return { ...stages, other_ms: other, total_ms: rounded(known + other) };
}

/** What the worker tells, else what it spent while it had the device. */
function deviceMsOf({ drawing }: MadePicture): number {
  if (drawing === undefined) return 0;
  const { encodeMs, denoiseMs, decodeMs } = drawing.timings;
  return drawing.deviceMs ?? encodeMs + denoiseMs + decodeMs;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** To a tenth of a millisecond. */
function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}

/** To the millisecond. */
function seconds(ms: number): number {
  return Math.round(ms) / 1000;
}
