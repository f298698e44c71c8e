import { createHash } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { Logger } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { RunnerBench } from '../../../../test/support/runner-bench.js';
import { DomainError } from '../errors/domain-error.js';
import type { JobProgress } from '../jobs/domain/job.js';
import { imagesOf } from './job-outcome.js';

// Running jobs: what is drawn, stored and told.

let bench: RunnerBench;

beforeAll(async () => {
  Logger.overrideLogger(false);
  bench = await RunnerBench.start();
}, 60_000);
beforeEach(() => bench.reset());
afterEach(() => vi.restoreAllMocks());
afterAll(() => bench.stop());

describe('running a job', () => {
  it('draws a memory from the avatar, stores it under its key and tells what was done', async () => {
    const job = await bench.accept({ seed: 7, width: 128, height: 64, guidanceScale: 3 });
    const leased = await bench.lease();
    const done = await bench.complete(leased, await bench.run(leased));
    expect(bench.illustrator.tasks).toEqual([
      {
        jobId: job.id,
        requestId: 'r-1',
        prompt: 'the lake',
        prompt2: 'memory style',
        negativePrompt: 'error',
        numInferenceSteps: 2,
        guidanceScale: 3,
        width: 128,
        height: 64,
        seed: 7,
        people: [{ referenceImages: [Buffer.from('avatar')], ipAdapterScale: 0.33 }],
        ipAdapterMode: 'full',
      },
    ]);
    const key = `generated/ada/memory_${job.id}.png`;
    const { body } = await bench.store.get(key, { maxBytes: 100_000 });
    const sha256 = createHash('sha256').update(body).digest('hex');
    expect(done).toMatchObject({
      state: 'succeeded',
      result: { images: [{ key, seed: 7, width: 128, height: 64, sha256, size_bytes: body.length }] },
      receipt: { attempt: 1, adopted: false, seed: 7, drawn_by: { engine: 'fake' } },
    });
  });

  it('draws a portrait from the subject photo', async () => {
    await bench.accept({}, 'subject');
    const leased = await bench.lease();
    await bench.run(leased);
    expect(bench.illustrator.tasks[0]).toMatchObject({
      prompt: 'subject style',
      people: [{ referenceImages: [Buffer.from('subject photo')] }],
    });
    expect(bench.illustrator.tasks[0]).not.toHaveProperty('prompt2');
  });

  it('draws several images with the seeds that follow, round the end of the seeds', async () => {
    const job = await bench.accept({ n: 3, seed: 2 ** 32 - 2 });
    const leased = await bench.lease();
    const told: JobProgress[] = [];
    const { result } = await bench.run(leased, { onProgress: (progress) => told.push(progress) });
    expect(bench.illustrator.tasks.map(({ seed }) => seed)).toEqual([2 ** 32 - 2, 2 ** 32 - 1, 0]);
    expect(result['images']).toMatchObject([
      { key: `generated/ada/memory_${job.id}.png`, seed: 2 ** 32 - 2 },
      { key: `generated/ada/memory_${job.id}-2.png`, seed: 2 ** 32 - 1 },
      { key: `generated/ada/memory_${job.id}-3.png`, seed: 0 },
    ]);
    expect(new Set(job.resultKeys.map((key) => bench.keys.isResult(key)))).toEqual(new Set([true]));
    expect(told.at(0)).toEqual({ step: 0, total: 2, image: 1, images: 3 });
    expect(told.at(-1)).toMatchObject({ image: 3, images: 3 });
  });

  it('draws the same picture again for the same seed, and another for another', async () => {
    const digests: unknown[] = [];
    for (const seed of [7, 7, 8]) {
      await bench.accept({ seed });
      const { result } = await bench.run(await bench.lease());
      digests.push(imagesOf({ result })[0]?.sha256);
    }
    expect(digests[1]).toBe(digests[0]);
    expect(digests[2]).not.toBe(digests[0]);
  });

  it.each([
    ['that is missing', async () => rm(join(bench.folder, 'avatars/ada.png')), 'avatar-not-found'],
    [
      'of more than 10 MiB',
      async () => bench.store.put('avatars/ada.png', Buffer.alloc(10 * 1024 * 1024 + 1), 'image/png'),
      'avatar-invalid',
    ],
  ])('draws nothing for a reference image %s', async (_, prepare, reason) => {
    await prepare();
    await bench.accept();
    await expect(bench.run(await bench.lease())).rejects.toMatchObject({ reason });
    expect(bench.illustrator.tasks).toEqual([]);
  });

  it('draws with the LoRA of the store, whose version is that of the attempt', async () => {
    const key = 'loras/oil/lora.safetensors';
    await bench.store.put(key, Buffer.from('first'), 'application/octet-stream');
    await bench.accept({ loraId: 'oil', loraScale: 0.5, n: 2, seed: 7 });
    await bench.accept({ loraId: 'oil', loraScale: 0.5, seed: 7 });
    const first = await bench.run(await bench.lease());
    await bench.store.put(key, Buffer.from('second'), 'application/octet-stream');
    const second = await bench.run(await bench.lease());
    const [one, other, replaced] = bench.illustrator.tasks;
    expect(one).toMatchObject({ prompt: 'SKS the lake', lora: { scale: 0.5, file: { loraId: 'oil', sizeBytes: 5 } } });
    expect(other?.lora?.file.version).toBe(one?.lora?.file.version);
    expect(replaced?.lora?.file.version).not.toBe(one?.lora?.file.version);
    const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
    expect(first.receipt).toMatchObject({ lora: { id: 'oil', scale: 0.5, sha256: sha256('first') } });
    expect(second.receipt).toMatchObject({ lora: { sha256: sha256('second') } });
    expect(imagesOf(second)[0]?.sha256).not.toBe(imagesOf(first)[0]?.sha256);
  });

  it('draws nothing when the LoRA went away after the job was accepted, or is replaced while it is read', async () => {
    const key = 'loras/oil/lora.safetensors';
    await bench.store.put(key, Buffer.from('first'), 'application/octet-stream');
    await bench.accept({ loraId: 'oil' });
    await bench.accept({ loraId: 'oil' });
    const stat = bench.store.stat.bind(bench.store);
    vi.spyOn(bench.store, 'stat').mockImplementationOnce(async (...args) => {
      const found = await stat(...args);
      await bench.store.put(key, Buffer.from('second'), 'application/octet-stream');
      return found;
    });
    await expect(bench.run(await bench.lease())).rejects.toMatchObject({
      reason: 'storage-unavailable',
      detail: 'The LoRA was replaced while it was read.',
    });
    await bench.store.remove(key);
    await expect(bench.run(await bench.lease())).rejects.toMatchObject({ reason: 'lora-not-found' });
    expect(await readdir(bench.folder)).not.toContain('generated');
  });

  it('stops within a step when it is aborted, and stores nothing', async () => {
    await bench.reset({ stepMs: 20 });
    await bench.accept({ numInferenceSteps: 150 });
    const leased = await bench.lease();
    const gone = new AbortController();
    const told: JobProgress[] = [];
    const running = bench.run(leased, { signal: gone.signal, onProgress: (progress) => told.push(progress) });
    await expect.poll(() => told.length, { interval: 5 }).toBeGreaterThan(2);
    const abortedMs = performance.now();
    gone.abort(new DomainError('canceled', 'The request was cancelled.'));
    await expect(running).rejects.toMatchObject({ reason: 'canceled' });
    expect(performance.now() - abortedMs).toBeLessThan(1000);
    expect(await readdir(bench.folder)).not.toContain('generated');
  });

  it('ends a write that was begun, so that no picture is left without its job', async () => {
    await bench.accept();
    const leased = await bench.lease();
    const gone = new AbortController();
    const put = bench.store.putIfAbsent.bind(bench.store);
    bench.store.putIfAbsent = (...args) => {
      gone.abort(new DomainError('canceled', 'The request was cancelled.'));
      return put(...args);
    };
    expect(await bench.run(leased, { signal: gone.signal })).toMatchObject({ state: 'succeeded' });
    expect(await bench.store.exists(leased.job.resultKeys[0] ?? '')).toBe(true);
  });

  it('logs where the time went and none of the words', async () => {
    const log = vi.spyOn(Logger.prototype, 'log').mockReturnValue();
    await bench.accept({ stylePrompt: 'in oil' });
    await bench.run(await bench.lease());
    expect(log).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ kind: 'memory', attempt: 1, images: 1, adopted: 0, gpu_seconds: expect.any(Number) }),
      'illustration drawn',
    );
    expect(JSON.stringify(log.mock.calls)).not.toMatch(/lake|oil|error/);
  });
});

describe('the room for jobs', () => {
  it('is what the worker takes, less what runs', async () => {
    await bench.reset({ stepMs: 10 });
    expect(bench.runner.room()).toBe(8);
    await bench.accept({ numInferenceSteps: 10 });
    const running = bench.run(await bench.lease());
    expect(bench.runner.room()).toBe(7);
    const wake = vi.fn<() => void>();
    bench.runner.onRoomChange(wake);
    await running;
    expect(bench.runner.room()).toBe(8);
    expect(wake).toHaveBeenCalled();
  });

  it('is none while the worker does not serve or has not said how much it takes', () => {
    vi.spyOn(bench.illustrator, 'availability').mockReturnValueOnce({
      isReady: false,
      error: new DomainError('starting', 'The model is still loading.'),
    });
    expect(bench.runner.room()).toBe(0);
    bench.illustrator.hasDescribedItself = false;
    expect(bench.runner.room()).toBe(0);
    bench.illustrator.hasDescribedItself = true;
    expect(bench.runner.room()).toBe(8);
  });

  it('is given back by a run that fails', async () => {
    await bench.accept({ userId: 'nobody' });
    await expect(bench.run(await bench.lease())).rejects.toMatchObject({ reason: 'avatar-not-found' });
    expect(bench.runner.room()).toBe(8);
  });
});
