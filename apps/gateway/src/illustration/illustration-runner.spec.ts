import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Logger } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { openDatabase } from '../database/open-database.js';
import type { Database } from '../database/database.js';
import { DomainError } from '../errors/domain-error.js';
import type { Job, JobProgress } from '../jobs/domain/job.js';
import type { Lease } from '../jobs/job-queue.js';
import { FileObjectStore } from '../storage/file/file-object-store.js';
import { ObjectKeys } from '../storage/object-keys.js';
import { JobPath } from '../../../../test/support/job-path.js';
import { IllustrationRequest, type IllustrationFields } from './domain/illustration-request.js';
import type { DrawingEvent, DrawingTask } from './domain/illustrator.js';
import { DrawingDesk } from './drawing-desk.js';
import { IllustrationRunner } from './illustration-runner.js';
import { IllustrationService } from './illustration.service.js';
import { LoraAdmission } from './lora-admission.js';
import { ReferenceImages } from './reference-images.js';
import { Results } from './results.js';
import { FakeIllustrator } from './worker/fake-illustrator.js';

// Running jobs on the real job path (PGlite) and the file store: what is drawn, stored, adopted and told.

const keys = new ObjectKeys({ avatar: 'avatars', subject: 'subjects', generated: 'generated', lora: 'loras' });
const defaults = {
  numInferenceSteps: 2,
  ipAdapterScale: 0.33,
  guidanceScale: 5,
  negativePrompt: 'error',
  memoryStylePrompt: 'memory style',
  subjectStylePrompt: 'subject style',
};

/** The fake, which also remembers what it was asked to draw. */
class AttentiveIllustrator extends FakeIllustrator {
  readonly tasks: DrawingTask[] = [];

  override draw(...[task, options]: Parameters<FakeIllustrator['draw']>): AsyncGenerator<DrawingEvent> {
    this.tasks.push(task);
    return super.draw(task, options);
  }
}

let base: string;
let database: Database;
let path: JobPath;
let folder: string;
let store: FileObjectStore;
let illustrator: AttentiveIllustrator;
let runner: IllustrationRunner;
let service: IllustrationService;

function setUp(stepMs = 0): void {
  illustrator = new AttentiveIllustrator(stepMs);
  const results = new Results(store, keys);
  const loras = new LoraAdmission(store, keys);
  const references = new ReferenceImages(store, keys);
  runner = new IllustrationRunner(illustrator, new DrawingDesk(illustrator), loras, references, results);
  service = new IllustrationService(illustrator, loras, results, path.store);
}

async function accept(fields: Partial<IllustrationFields> = {}, kind: 'memory' | 'subject' = 'memory'): Promise<Job> {
  const prompt = kind === 'memory' ? 'the lake' : undefined;
  const request = IllustrationRequest.create(kind, { userId: 'ada', prompt, ...fields }, defaults);
  const deadline = new Date(Date.now() + 60_000);
  return (await service.accept(request, { tenant: 't', requestId: 'r-1', deadline, isPatient: true })).job;
}

async function lease(): Promise<Lease> {
  const { leases } = await path.queue.lease(1, null);
  if (leases[0] === undefined) throw new Error('nothing to lease');
  return leases[0];
}

/** Runs the attempt and leaves it at that, as a process does that dies before it can write the end. */
function run({ job, attempt }: Lease, signal = new AbortController().signal, told: JobProgress[] = []) {
  return runner.run(job, { attempt: attempt.retryCount + 1, signal, onProgress: (progress) => told.push(progress) });
}

async function complete(leased: Lease, outcome: Awaited<ReturnType<typeof run>>): Promise<Job> {
  const { result, receipt } = outcome;
  return path.queue.complete(leased, { type: 'succeeded', result, receipt });
}

beforeAll(async () => {
  Logger.overrideLogger(false);
  base = await mkdtemp(join(tmpdir(), 'runner-'));
  database = await openDatabase({ url: undefined, folder: join(base, 'database') });
  path = await JobPath.start(database);
}, 60_000);

beforeEach(async () => {
  folder = await mkdtemp(join(base, 'objects-'));
  store = new FileObjectStore({ kind: 'file', folder, bucket: 'album' }, { url: () => 'http://host' });
  await store.put('avatars/ada.png', Buffer.from('avatar'), 'image/png');
  await store.put('subjects/ada.png', Buffer.from('subject photo'), 'image/png');
  setUp();
});

afterEach(async () => {
  vi.restoreAllMocks();
  await path.clear();
});

afterAll(async () => {
  await path.stop();
  await database.close();
  await rm(base, { recursive: true });
});

describe('running a job', () => {
  it('draws a memory from the avatar, stores it under its key and tells what was done', async () => {
    const job = await accept({ seed: 7, width: 128, height: 64, guidanceScale: 3 });
    const leased = await lease();
    const done = await complete(leased, await run(leased));
    expect(illustrator.tasks).toEqual([
      {
        jobId: job.id,
        requestId: 'r-1',
        prompt: 'the lake',
        prompt2: 'memory style',
        negativePrompt: 'error',
        numInferenceSteps: 2,
        ipAdapterScale: 0.33,
        guidanceScale: 3,
        width: 128,
        height: 64,
        seed: 7,
        referenceImages: [Buffer.from('avatar')],
      },
    ]);
    const key = `generated/ada/memory_${job.id}.png`;
    const { body } = await store.get(key, { maxBytes: 100_000 });
    const sha256 = createHash('sha256').update(body).digest('hex');
    expect(done).toMatchObject({
      state: 'succeeded',
      result: { images: [{ key, seed: 7, width: 128, height: 64, sha256, size_bytes: body.length }] },
      receipt: { attempt: 1, adopted: false, seed: 7, drawn_by: { engine: 'fake' } },
    });
  });

  it('draws a portrait from the subject photo', async () => {
    await accept({}, 'subject');
    const leased = await lease();
    await run(leased);
    expect(illustrator.tasks[0]).toMatchObject({
      prompt: 'subject style',
      referenceImages: [Buffer.from('subject photo')],
    });
    expect(illustrator.tasks[0]).not.toHaveProperty('prompt2');
  });

  it('draws several images with the seeds that follow, round the end of the seeds', async () => {
    const job = await accept({ n: 3, seed: 2 ** 32 - 2 });
    const leased = await lease();
    const told: JobProgress[] = [];
    const { result } = await run(leased, undefined, told);
    expect(illustrator.tasks.map(({ seed }) => seed)).toEqual([2 ** 32 - 2, 2 ** 32 - 1, 0]);
    expect(result['images']).toMatchObject([
      { key: `generated/ada/memory_${job.id}.png`, seed: 2 ** 32 - 2 },
      { key: `generated/ada/memory_${job.id}-2.png`, seed: 2 ** 32 - 1 },
      { key: `generated/ada/memory_${job.id}-3.png`, seed: 0 },
    ]);
    expect(new Set(job.resultKeys.map((key) => keys.isResult(key)))).toEqual(new Set([true]));
    expect(told.at(0)).toEqual({ step: 0, total: 2, image: 1, images: 3 });
    expect(told.at(-1)).toMatchObject({ image: 3, images: 3 });
  });

  it('draws the same picture again for the same seed, and another for another', async () => {
    const digests: unknown[] = [];
    for (const seed of [7, 7, 8]) {
      await accept({ seed });
      const { result } = await run(await lease());
      digests.push((result['images'] as { sha256: string }[])[0]?.sha256);
    }
    expect(digests[1]).toBe(digests[0]);
    expect(digests[2]).not.toBe(digests[0]);
  });

  it.each([
    ['that is missing', async () => rm(join(folder, 'avatars/ada.png')), 'avatar-not-found'],
    [
      'of more than 10 MiB',
      async () => store.put('avatars/ada.png', Buffer.alloc(10 * 1024 * 1024 + 1), 'image/png'),
      'avatar-invalid',
    ],
  ])('draws nothing for a reference image %s', async (_, prepare, reason) => {
    await prepare();
    await accept();
    await expect(run(await lease())).rejects.toMatchObject({ reason });
    expect(illustrator.tasks).toEqual([]);
  });

  it('stops within a step when it is aborted, and stores nothing', async () => {
    setUp(20);
    await accept({ numInferenceSteps: 150 });
    const leased = await lease();
    const gone = new AbortController();
    const told: JobProgress[] = [];
    const running = run(leased, gone.signal, told);
    await expect.poll(() => told.length, { interval: 5 }).toBeGreaterThan(2);
    const abortedMs = performance.now();
    gone.abort(new DomainError('canceled', 'The request was cancelled.'));
    await expect(running).rejects.toMatchObject({ reason: 'canceled' });
    expect(performance.now() - abortedMs).toBeLessThan(1000);
    expect(await readdir(folder)).not.toContain('generated');
  });

  it('logs where the time went and none of the words', async () => {
    const log = vi.spyOn(Logger.prototype, 'log').mockReturnValue();
    await accept({ stylePrompt: 'in oil' });
    await run(await lease());
    expect(log).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ kind: 'memory', attempt: 1, images: 1, adopted: 0, gpu_seconds: expect.any(Number) }),
      'illustration drawn',
    );
    expect(JSON.stringify(log.mock.calls)).not.toMatch(/lake|oil|error/);
  });
});

describe('a later attempt', () => {
  it('adopts the picture of one that died between put and complete, without the GPU', async () => {
    await accept({ seed: 7 });
    const first = await lease();
    const lost = await run(first);
    expect(await path.recovery.reclaimAll()).toBe(1);

    const second = await lease();
    const done = await complete(second, await run(second));

    expect(illustrator.tasks).toHaveLength(1);
    expect(done).toMatchObject({
      state: 'succeeded',
      result: lost.result,
      receipt: { attempt: 2, adopted: true, drawn_by: null, gpu_seconds: 0 },
    });
    // The first comes back to life: too late.
    await expect(complete(first, lost)).rejects.toMatchObject({ name: 'FencedError' });
  });

  it('draws only what is missing', async () => {
    const job = await accept({ n: 3, seed: 7 });
    const first = await run(await lease());
    await rm(join(folder, job.resultKeys[1] ?? ''));
    await path.recovery.reclaimAll();
    const second = await run(await lease());
    expect(illustrator.tasks.map(({ seed }) => seed)).toEqual([7, 8, 9, 8]);
    expect(second.result).toEqual(first.result);
    expect(second.receipt['images']).toMatchObject([{ adopted: true }, { adopted: false }, { adopted: true }]);
  });

  it('keeps the picture that a slower earlier attempt stores while this one draws', async () => {
    const job = await accept({ seed: 7 });
    await run(await lease());
    const key = job.resultKeys[0] ?? '';
    const early = await readFile(join(folder, key));
    await rm(join(folder, key));
    await path.recovery.reclaimAll();
    const second = await lease();
    vi.spyOn(illustrator, 'draw').mockImplementation(async function* (task, options) {
      yield* new FakeIllustrator(0).draw({ ...task, seed: 8 }, options);
      await store.putIfAbsent(key, { body: early, contentType: 'image/png' });
    });
    const { result, receipt } = await run(second);
    expect((await readFile(join(folder, key))).equals(early)).toBe(true);
    const sha256 = createHash('sha256').update(early).digest('hex');
    expect(result['images']).toMatchObject([{ sha256, size_bytes: early.length }]);
    expect(receipt).toMatchObject({ adopted: true });
  });

  it('takes no rubbish for a picture', async () => {
    const job = await accept();
    await lease();
    await path.recovery.reclaimAll();
    await store.put(job.resultKeys[0] ?? '', Buffer.from('half a pict'), 'image/png');
    await expect(run(await lease())).rejects.toMatchObject({ reason: 'generation-failed' });
  });

  it('does not look for results of attempts that never were', async () => {
    const stat = vi.spyOn(store, 'stat');
    await accept();
    await run(await lease());
    expect(stat).not.toHaveBeenCalled();
  });
});

describe('the room for jobs', () => {
  it('is what the worker takes, less what runs', async () => {
    setUp(10);
    expect(runner.room()).toBe(8);
    await accept({ numInferenceSteps: 10 });
    const running = run(await lease());
    expect(runner.room()).toBe(7);
    const wake = vi.fn();
    runner.onRoomChange(wake);
    await running;
    expect(runner.room()).toBe(8);
    expect(wake).toHaveBeenCalled();
  });

  it('is none while the worker does not serve or has not said how much it takes', () => {
    vi.spyOn(illustrator, 'availability').mockReturnValueOnce({
      isReady: false,
      error: new DomainError('starting', 'The model is still loading.'),
    });
    expect(runner.room()).toBe(0);
    vi.spyOn(illustrator, 'profile').mockReturnValueOnce(undefined as never);
    expect(runner.room()).toBe(0);
    expect(runner.room()).toBe(8);
  });

  it('is given back by a run that fails', async () => {
    await accept({ userId: 'nobody' });
    await expect(run(await lease())).rejects.toMatchObject({ reason: 'avatar-not-found' });
    expect(runner.room()).toBe(8);
  });
});
