import { Injectable, Logger } from '@nestjs/common';

import type { Job } from '../jobs/domain/job.js';
import { JobRunner, type JobOutcome, type RunContext } from '../jobs/job-runner.js';
import { runInRequest } from '../observability/request-context.js';
import { runInTrace, traced } from '../observability/tracing/traced.js';
import { fromPayload, wantsFreshPicture } from './domain/illustration-payload.js';
import type { IllustrationRequest } from './domain/illustration-request.js';
import { Illustrator } from './domain/illustrator.js';
import { seedOf } from './drawing-desk.js';
import { toResult } from './job-outcome.js';
import { LoraFiles } from './lora-files.js';
import type { MadePicture } from './made-picture.js';
import type { MakeOptions } from './picture-drawing.js';
import { PictureMaker } from './picture-maker.js';
import { toReceipt } from './receipt.js';
import { ReferenceImages } from './reference-images.js';
import { TwinDrawings } from './result-cache/twin-drawings.js';
import { Results, type StoredPicture } from './results.js';

/** Jobs that wait for another's picture hold no room, up to so many: each of them costs a lease. */
const mostTwinsWithoutRoom = 32;

/** What an attempt draws from, read once for all its pictures. */
type Sources = Pick<MakeOptions, 'people' | 'versions' | 'loraFile'>;
const noSources: Sources = { people: [], versions: [], loraFile: undefined };

/** Runs illustration jobs: from the reference image to the stored pictures and the receipt. */
@Injectable()
export class IllustrationRunner extends JobRunner {
  private readonly logger = new Logger(IllustrationRunner.name);
  private readonly listeners = new Set<() => void>();
  private running = 0;

  constructor(
    private readonly illustrator: Illustrator,
    private readonly maker: PictureMaker,
    private readonly twins: TwinDrawings,
    private readonly loraFiles: LoraFiles,
    private readonly referenceImages: ReferenceImages,
    private readonly results: Results,
  ) {
    super();
  }

  /** What the worker has told that it takes, less what it was given from here. A job has one drawing with it at a time. */
  room(): number {
    const capacity = this.illustrator.profile()?.maxOutstandingJobs ?? 0;
    const drawing = this.running - Math.min(this.twins.waiting, mostTwinsWithoutRoom);
    return this.illustrator.availability().isReady ? Math.max(capacity - drawing, 0) : 0;
  }

  onRoomChange(listener: () => void): () => void {
    this.listeners.add(listener);
    const stops = [this.illustrator.onChange(listener), this.twins.onChange(listener)];
    return () => {
      stops.forEach((stop) => stop());
      this.listeners.delete(listener);
    };
  }

  async run(job: Job, context: RunContext): Promise<JobOutcome> {
    this.running += 1;
    const { id: jobId, requestId, tenant, traceparent } = job;
    const { attempt } = context;
    const span = { attributes: { 'job.id': jobId, 'job.kind': job.kind, 'job.attempt': attempt } };
    const produce = (): Promise<JobOutcome> => traced('job', () => this.produce(job, context), span);
    try {
      return await runInRequest({ requestId, jobId, tenant, attempt }, () =>
        runInTrace(traceparent ?? undefined, produce),
      );
    } finally {
      this.running -= 1;
      this.listeners.forEach((listener) => listener());
    }
  }

  discard(job: Job): Promise<void> {
    return this.results.discard(job.resultKeys);
  }

  private async produce(job: Job, { attempt, signal, onProgress, onWaiting }: RunContext): Promise<JobOutcome> {
    const begunMs = performance.now();
    const request = fromPayload(job.request);
    const isFreshWanted = wantsFreshPicture(job.request);
    const found = attempt > 1 ? await this.findAll(job.resultKeys, signal) : [];
    const isAllThere = job.resultKeys.every((_, image) => found[image] !== undefined);
    const referenceBegunMs = performance.now();
    const sources = isAllThere ? noSources : await traced('reference', () => this.findSources(request, signal));
    const referenceMs = performance.now() - referenceBegunMs;
    const pictures: MadePicture[] = [];
    for (const [image, key] of job.resultKeys.entries()) {
      const stored = found[image];
      const options = { signal, onProgress, onWaiting, ...sources };
      pictures.push(
        stored === undefined
          ? await this.maker.make({ job, request, attempt, image, key, isFreshWanted }, options)
          : foundPicture(stored, seedOf(job, image)),
      );
    }
    const runMs = performance.now() - begunMs;
    const profile = this.illustrator.profile();
    const receipt = toReceipt({ job, request, attempt, pictures, referenceMs, runMs, profile });
    this.logDrawn(job, pictures, receipt);
    return { state: 'succeeded', result: toResult(pictures), receipt };
  }

  private findAll(keys: string[], signal: AbortSignal): Promise<(StoredPicture | undefined)[]> {
    return Promise.all(keys.map((key) => this.results.find(key, signal)));
  }

  /** The LoRA was looked at when the job was accepted; it may be gone or another by now. */
  private async findSources(request: IllustrationRequest, signal: AbortSignal): Promise<Sources> {
    const [loraFile, references] = await Promise.all([
      this.loraFiles.find(request, signal),
      this.referenceImages.read(request, signal),
    ]);
    return { loraFile, ...references };
  }

  /** Where the time went. Never the prompts: they are people's memories. */
  private logDrawn(
    job: Job,
    pictures: MadePicture[],
    { timings, gpu_seconds, attempt }: { [name: string]: unknown },
  ): void {
    const sha256 = pictures.map(({ picture }) => picture.sha256);
    const images = pictures.length;
    const adopted = pictures.filter(({ isAdopted }) => isAdopted).length;
    const cached = pictures.filter(({ copied }) => copied !== undefined).length;
    this.logger.log(
      { kind: job.kind, tenant: job.tenant, attempt, images, adopted, cached, sha256, gpu_seconds, timings },
      'illustration drawn',
    );
  }
}

function foundPicture(picture: StoredPicture, seed: number): MadePicture {
  const nothing = { drawing: undefined, copied: undefined, resumedFromStep: undefined };
  return { picture, seed, ...nothing, uploadMs: 0, isAdopted: true };
}
