import { Injectable, Logger } from '@nestjs/common';

import type { Job } from '../jobs/domain/job.js';
import { JobRunner, type JobOutcome, type RunContext } from '../jobs/job-runner.js';
import { runInRequest } from '../observability/request-context.js';
import { runInTrace, traced } from '../observability/tracing/traced.js';
import { fromPayload } from './domain/illustration-payload.js';
import type { IllustrationRequest } from './domain/illustration-request.js';
import { Illustrator } from './domain/illustrator.js';
import { DrawingDesk, seedOf, type DrawOptions } from './drawing-desk.js';
import { Drafts } from './drafts.js';
import { toResult } from './job-outcome.js';
import { LoraFiles } from './lora-files.js';
import type { MadePicture } from './made-picture.js';
import { toReceipt } from './receipt.js';
import { ReferenceImages } from './reference-images.js';
import { Results, type StoredPicture } from './results.js';

/** One picture to draw, and where it goes. */
interface Order {
  job: Job;
  request: IllustrationRequest;
  attempt: number;
  image: number;
  key: string;
}

/** What an attempt draws from, read once for all its pictures. */
type Sources = Pick<DrawOptions, 'people' | 'loraFile'>;
const noSources: Sources = { people: [], loraFile: undefined };

/** Runs illustration jobs: from the reference image to the stored pictures and the receipt. */
@Injectable()
export class IllustrationRunner extends JobRunner {
  private readonly logger = new Logger(IllustrationRunner.name);
  private readonly listeners = new Set<() => void>();
  private running = 0;

  constructor(
    private readonly illustrator: Illustrator,
    private readonly desk: DrawingDesk,
    private readonly loraFiles: LoraFiles,
    private readonly referenceImages: ReferenceImages,
    private readonly results: Results,
    private readonly drafts: Drafts,
  ) {
    super();
  }

  /** What the worker has told that it takes, less what it was given from here. A job has one drawing with it at a time. */
  room(): number {
    const capacity = this.illustrator.profile()?.maxOutstandingJobs ?? 0;
    return this.illustrator.availability().isReady ? Math.max(capacity - this.running, 0) : 0;
  }

  onRoomChange(listener: () => void): () => void {
    this.listeners.add(listener);
    const stopWatching = this.illustrator.onChange(listener);
    return () => {
      stopWatching();
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
          ? await this.draw({ job, request, attempt, image, key }, options)
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
    const [loraFile, people] = await Promise.all([
      this.loraFiles.find(request, signal),
      this.referenceImages.read(request, signal),
    ]);
    return { loraFile, people };
  }

  private async draw(
    { job, request, attempt, image, key }: Order,
    options: Omit<DrawOptions, 'checkpoint' | 'draft'>,
  ): Promise<MadePicture> {
    const ofRun = { jobId: job.id, attempt, image };
    const checkpoint = await this.drafts.find(ofRun);
    const draft = this.drafts.open(ofRun);
    const { drawing, resumedFromStep } = await this.desk
      .draw(job, request, image, { ...options, draft, ...(checkpoint !== undefined && { checkpoint }) })
      .catch(async (error: unknown) => {
        await draft.save();
        throw error;
      });
    draft.discard();
    options.signal.throwIfAborted();
    const uploadBegunMs = performance.now();
    const { picture, isAdopted } = await traced('upload', () => this.results.keep(key, drawing));
    const uploadMs = performance.now() - uploadBegunMs;
    return { picture, seed: seedOf(job, image), drawing, resumedFromStep, uploadMs, isAdopted };
  }

  /** Where the time went. Never the prompts: they are people's memories. */
  private logDrawn(
    job: Job,
    pictures: MadePicture[],
    { timings, gpu_seconds, attempt }: { [name: string]: unknown },
  ): void {
    const sha256 = pictures.map(({ picture }) => picture.sha256);
    const adopted = pictures.filter(({ isAdopted }) => isAdopted).length;
    this.logger.log(
      { kind: job.kind, tenant: job.tenant, attempt, images: pictures.length, adopted, sha256, gpu_seconds, timings },
      'illustration drawn',
    );
  }
}

function foundPicture(picture: StoredPicture, seed: number): MadePicture {
  return { picture, seed, drawing: undefined, resumedFromStep: undefined, uploadMs: 0, isAdopted: true };
}
