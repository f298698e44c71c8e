// Running illustration jobs on the real job path (PGlite) and the file store, without the rest of the gateway.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { AppConfig } from '../../apps/gateway/src/config/app-config.js';
import type { Database } from '../../apps/gateway/src/database/database.js';
import { openDatabase } from '../../apps/gateway/src/database/open-database.js';
import {
  IllustrationRequest,
  type IllustrationFields,
} from '../../apps/gateway/src/illustration/domain/illustration-request.js';
import type {
  DrawingEvent,
  DrawingTask,
  IllustratorProfile,
} from '../../apps/gateway/src/illustration/domain/illustrator.js';
import { DrawingDesk } from '../../apps/gateway/src/illustration/drawing-desk.js';
import { Drafts } from '../../apps/gateway/src/illustration/drafts.js';
import { IllustrationRunner } from '../../apps/gateway/src/illustration/illustration-runner.js';
import { IllustrationService, type AcceptOptions } from '../../apps/gateway/src/illustration/illustration.service.js';
import { PictureDrawing } from '../../apps/gateway/src/illustration/picture-drawing.js';
import { PictureMaker } from '../../apps/gateway/src/illustration/picture-maker.js';
import { ResultCache } from '../../apps/gateway/src/illustration/result-cache/result-cache.js';
import { TwinDrawings } from '../../apps/gateway/src/illustration/result-cache/twin-drawings.js';
import { LoraFiles } from '../../apps/gateway/src/illustration/lora-files.js';
import { ReferenceImages } from '../../apps/gateway/src/illustration/reference-images.js';
import { Results } from '../../apps/gateway/src/illustration/results.js';
import { FakeIllustrator } from '../../apps/gateway/src/illustration/worker/fake-illustrator.js';
import type { Job, JobProgress } from '../../apps/gateway/src/jobs/domain/job.js';
import type { Lease } from '../../apps/gateway/src/jobs/job-queue.js';
import type { JobOutcome } from '../../apps/gateway/src/jobs/job-runner.js';
import { FileObjectStore } from '../../apps/gateway/src/storage/file/file-object-store.js';
import { ObjectKeys } from '../../apps/gateway/src/storage/object-keys.js';
import { CacheOutcomes } from './cache-outcomes.js';
import { JobPath } from './job-path.js';

const defaults = {
  numInferenceSteps: 2,
  ipAdapterScale: 0.33,
  guidanceScale: 5,
  loraScale: 1,
  negativePrompt: 'error',
  memoryStylePrompt: 'memory style',
  subjectStylePrompt: 'subject style',
};

/** The fake, which also remembers what it was asked to draw. */
export class AttentiveIllustrator extends FakeIllustrator {
  readonly tasks: DrawingTask[] = [];
  hasDescribedItself = true;

  override profile(): IllustratorProfile | undefined {
    return this.hasDescribedItself ? super.profile() : undefined;
  }

  override draw(...[task, options]: Parameters<FakeIllustrator['draw']>): AsyncGenerator<DrawingEvent> {
    this.tasks.push(task);
    return super.draw(task, options);
  }
}

export interface RunOptions {
  signal?: AbortSignal;
  onProgress?: (progress: JobProgress) => void;
  onWaiting?: () => void;
}

export interface BenchOptions {
  stepMs?: number;
  checkpointEvery?: number;
  /** Off unless told otherwise: most tests are about drawing. */
  resultCache?: AppConfig['resultCache'];
}

const noCache = { url: undefined, ttlMs: 0, maxEntries: 1 };

export class RunnerBench {
  readonly keys = new ObjectKeys({ avatar: 'avatars', subject: 'subjects', generated: 'generated', lora: 'loras' });
  folder = '';
  store: FileObjectStore;
  illustrator: AttentiveIllustrator;
  runner: IllustrationRunner;
  cacheOutcomes = new CacheOutcomes();
  private readonly caches: ResultCache[] = [];
  private service: IllustrationService;

  private constructor(
    private readonly base: string,
    private readonly database: Database,
    readonly jobPath: JobPath,
  ) {}

  static async start(): Promise<RunnerBench> {
    const base = fs.mkdtempSync(path.join(os.tmpdir(), 'illustration-runner-'));
    const database = await openDatabase({ url: undefined, folder: path.join(base, 'database') });
    return new RunnerBench(base, database, await JobPath.start(database));
  }

  /** No job, and in the store nothing but Ada's two reference images. */
  async reset({ stepMs = 0, checkpointEvery = 10, resultCache = noCache }: BenchOptions = {}): Promise<void> {
    await this.jobPath.clear();
    this.folder = fs.mkdtempSync(path.join(this.base, 'objects-'));
    const { folder, keys } = this;
    this.store = new FileObjectStore({ kind: 'file', folder, bucket: 'album' }, { url: () => 'http://host' });
    await this.store.put('avatars/ada.png', Buffer.from('avatar'), 'image/png');
    await this.store.put('subjects/ada.png', Buffer.from('subject photo'), 'image/png');
    this.illustrator = new AttentiveIllustrator(stepMs, checkpointEvery);
    this.closeCaches();
    this.cacheOutcomes.stop();
    this.cacheOutcomes = new CacheOutcomes();
    this.runner = this.newRunner(resultCache);
    const loras = new LoraFiles(this.store, keys, this.illustrator);
    this.service = new IllustrationService(this.illustrator, loras, new Results(this.store, keys), this.jobPath.store);
  }

  /** Of one more instance, on the same stores, with the same worker. */
  newRunner(resultCache: AppConfig['resultCache']): IllustrationRunner {
    const { illustrator, keys, store } = this;
    const cache = new ResultCache({ resultCache });
    this.caches.push(cache);
    const results = new Results(store, keys);
    const desk = new DrawingDesk(illustrator, { loraInstanceToken: 'SKS' });
    const drafts = new Drafts(this.jobPath.checkpoints, this.jobPath.previews);
    const twins = new TwinDrawings();
    const drawing = new PictureDrawing(desk, results, drafts);
    const maker = new PictureMaker(illustrator, desk, drawing, results, cache, twins);
    const loras = new LoraFiles(store, keys, illustrator);
    return new IllustrationRunner(illustrator, maker, twins, loras, new ReferenceImages(store, keys), results);
  }

  async accept(
    fields: Partial<IllustrationFields> = {},
    kind: 'memory' | 'subject' = 'memory',
    terms: Partial<Pick<AcceptOptions, 'tenant' | 'isFreshWanted'>> = {},
  ): Promise<Job> {
    const prompt = kind === 'memory' ? 'the lake' : undefined;
    const request = IllustrationRequest.create(kind, { userId: 'ada', prompt, ...fields }, defaults);
    const deadline = new Date(Date.now() + 60_000);
    const options = { tenant: 't', quotas: {}, requestId: 'r-1', deadline, isPatient: true, ...terms };
    return (await this.service.accept(request, options)).job;
  }

  async lease(): Promise<Lease> {
    const { leases } = await this.jobPath.queue.lease(1, null);
    if (leases[0] === undefined) throw new Error('nothing to lease');
    return leases[0];
  }

  /** Runs an attempt and leaves it at that, as a process does that dies before it can write the end. */
  run({ job, attempt }: Lease, options: RunOptions = {}, runner = this.runner): Promise<JobOutcome> {
    const context = {
      attempt: attempt.retryCount + 1,
      signal: new AbortController().signal,
      onProgress: () => undefined,
      onWaiting: () => undefined,
      ...options,
    };
    return runner.run(job, context);
  }

  complete(lease: Lease, { result, receipt }: JobOutcome): Promise<Job> {
    return this.jobPath.queue.complete(lease, { type: 'succeeded', result, receipt });
  }

  async stop(): Promise<void> {
    this.cacheOutcomes.stop();
    this.closeCaches();
    await this.jobPath.stop();
    await this.database.close();
    fs.rmSync(this.base, { recursive: true });
  }

  private closeCaches(): void {
    this.caches.splice(0).forEach((cache) => cache.onApplicationShutdown());
  }
}
