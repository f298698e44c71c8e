import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { Logger } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { hasRedis, RedisServer } from '../../../../../test/support/redis-server.js';
import { RunnerBench } from '../../../../../test/support/runner-bench.js';
import { DomainError } from '../../errors/domain-error.js';
import type { Job } from '../../jobs/domain/job.js';
import type { Lease } from '../../jobs/job-queue.js';
import type { IllustrationRunner } from '../illustration-runner.js';
import { imagesOf, isCached } from '../job-outcome.js';

// The same request again: the stored picture, without the worker.

const inMemory = { url: undefined, ttlMs: 60_000, maxEntries: 100 };
let bench: RunnerBench;

beforeAll(async () => {
  Logger.overrideLogger(false);
  bench = await RunnerBench.start();
}, 60_000);
beforeEach(() => bench.reset({ resultCache: inMemory }));
afterEach(() => vi.restoreAllMocks());
afterAll(() => bench.stop());

/** Accepts a job and runs it to its end. */
async function done(...words: Parameters<RunnerBench['accept']>): Promise<Job> {
  await bench.accept(...words);
  const lease = await bench.lease();
  return bench.complete(lease, await bench.run(lease));
}

function drawings(): number {
  return bench.illustrator.tasks.length;
}

describe('a request that was drawn before', () => {
  it('has a copy of the picture under a key of its own, and a receipt that says whose', async () => {
    const first = await done({ seed: 7 });
    const second = await done({ seed: 7 });
    expect(drawings()).toBe(1);
    expect(isCached(first)).toBe(false);
    expect(isCached(second)).toBe(true);
    const [drawn, copy] = [imagesOf(first)[0], imagesOf(second)[0]];
    expect(copy).toEqual({ ...drawn, key: second.resultKeys[0] });
    const bytes = await Promise.all(
      [first, second].map(({ resultKeys: [key = ''] }) => readFile(join(bench.folder, key))),
    );
    expect(bytes[1]?.equals(bytes[0] ?? Buffer.of())).toBe(true);
    expect(first.receipt).toMatchObject({ cached_images: 0, images: [{ cached_from: null }] });
    expect(second.receipt).toMatchObject({
      attempt: 1,
      adopted: false,
      cached_images: 1,
      drawn_by: { engine: 'fake' },
      gpu_seconds: 0,
      images: [{ cached_from: first.id, adopted: false, gpu_seconds: 0 }],
    });
  });

  it('is told what the drawing was told: warnings, and the content of the LoRA', async () => {
    await bench.store.put('loras/oil/lora.safetensors', Buffer.from('weights'), 'application/octet-stream');
    const draw = bench.illustrator.draw.bind(bench.illustrator);
    vi.spyOn(bench.illustrator, 'draw').mockImplementation(async function* (...words) {
      for await (const event of draw(...words))
        yield event.type === 'finished'
          ? { ...event, drawing: { ...event.drawing, warnings: ['The prompt was cut.'] } }
          : event;
    });
    const first = await done({ seed: 7, loraId: 'oil' });
    const second = await done({ seed: 7, loraId: 'oil' });
    expect(isCached(second)).toBe(true);
    expect(second.result).toMatchObject({ warnings: ['The prompt was cut.'] });
    expect(second.receipt?.['lora']).toEqual(first.receipt?.['lora']);
  });

  it('is drawn anew without a seed, and with every other one', async () => {
    for (const fields of [{}, {}, { seed: 1 }, { seed: 2 }]) expect(isCached(await done(fields))).toBe(false);
    expect(drawings()).toBe(4);
  });

  it('is drawn anew when the caller wants that, and remembered as it was drawn last', async () => {
    const first = await done({ seed: 7 });
    const fresh = await done({ seed: 7 }, 'memory', { isFreshWanted: true });
    expect(isCached(fresh)).toBe(false);
    const third = await done({ seed: 7 });
    expect(third.receipt).toMatchObject({ images: [{ cached_from: fresh.id }] });
    expect(first.id).not.toBe(fresh.id);
    expect([bench.cacheOutcomes.of('miss'), bench.cacheOutcomes.of('bypassed'), bench.cacheOutcomes.of('hit')]).toEqual(
      [1, 1, 1],
    );
  });

  it('is drawn anew for another tenant', async () => {
    await done({ seed: 7 });
    expect(isCached(await done({ seed: 7 }, 'memory', { tenant: 'another' }))).toBe(false);
    expect(drawings()).toBe(2);
  });

  it('is drawn anew when the avatar or the LoRA was replaced, if by the same bytes', async () => {
    const lora = 'loras/oil/lora.safetensors';
    await bench.store.put(lora, Buffer.from('weights'), 'application/octet-stream');
    await done({ seed: 7, loraId: 'oil' });
    await bench.store.put('avatars/ada.png', Buffer.from('avatar'), 'image/png');
    expect(isCached(await done({ seed: 7, loraId: 'oil' }))).toBe(false);
    await bench.store.put(lora, Buffer.from('weights'), 'application/octet-stream');
    expect(isCached(await done({ seed: 7, loraId: 'oil' }))).toBe(false);
    expect(isCached(await done({ seed: 7, loraId: 'oil' }))).toBe(true);
  });

  it.each([
    ['vanished', (path: string) => rm(path)],
    ['is another now', async (_path: string, key: string) => bench.store.put(key, Buffer.from('other'), 'image/png')],
  ])('is drawn anew when its picture %s', async (_, spoil) => {
    const { resultKeys } = await done({ seed: 7 });
    const [key = ''] = resultKeys;
    await spoil(join(bench.folder, key), key);
    const second = await done({ seed: 7 });
    expect(isCached(second)).toBe(false);
    expect(bench.cacheOutcomes.of('vanished')).toBe(1);
    const third = await done({ seed: 7 });
    expect(third.receipt).toMatchObject({ images: [{ cached_from: second.id }] });
  });

  it('is drawn anew by another model', async () => {
    await done({ seed: 7 });
    const profile = bench.illustrator.profile() ?? fail();
    vi.spyOn(bench.illustrator, 'profile').mockReturnValue({ ...profile, modelDigest: 'ab'.repeat(32) });
    expect(isCached(await done({ seed: 7 }))).toBe(false);
  });

  it('that was drawn while the worker became another is not remembered: nobody knows which drew it', async () => {
    const profile = bench.illustrator.profile() ?? fail();
    const draw = bench.illustrator.draw.bind(bench.illustrator);
    vi.spyOn(bench.illustrator, 'draw').mockImplementationOnce(async function* (...words) {
      yield* draw(...words);
      vi.spyOn(bench.illustrator, 'profile').mockReturnValue({ ...profile, workerVersion: 'newer' });
    });
    await done({ seed: 7 });
    expect(isCached(await done({ seed: 7 }))).toBe(false);
    expect(isCached(await done({ seed: 7 }))).toBe(true);
  });

  it('takes of several pictures those that are known', async () => {
    await done({ seed: 8 });
    const several = await done({ seed: 7, n: 3 });
    expect(isCached(several)).toBe(false);
    expect(several.receipt).toMatchObject({ cached_images: 1 });
    expect(bench.illustrator.tasks.map(({ seed }) => seed)).toEqual([8, 7, 9]);
    expect(imagesOf(several).map(({ seed }) => seed)).toEqual([7, 8, 9]);
    expect(isCached(await done({ seed: 7, n: 3 }))).toBe(true);
  });

  it('says nothing of how long drawing takes', async () => {
    await done({ seed: 7 });
    const { capacity } = bench.jobPath;
    const before = await capacity.outlook();
    for (let copies = 0; copies < 3; copies += 1) await done({ seed: 7 });
    expect(await capacity.outlook()).toMatchObject({ serviceMs: before.serviceMs, stepMs: before.stepMs });
  });

  it('leaves its picture to the attempt after one that died with the copy stored', async () => {
    const first = await done({ seed: 7 });
    await bench.accept({ seed: 7 });
    await bench.run(await bench.lease());
    await bench.jobPath.recovery.reclaimAll();
    const lease = await bench.lease();
    const again = await bench.complete(lease, await bench.run(lease));
    expect(again).toMatchObject({ state: 'succeeded', receipt: { attempt: 2, adopted: true } });
    expect(imagesOf(again)[0]?.sha256).toBe(imagesOf(first)[0]?.sha256);
    expect(drawings()).toBe(1);
  });
});

describe('two jobs with the same request at the same time', () => {
  beforeEach(() => bench.reset({ resultCache: inMemory, stepMs: 10 }));

  it('are one drawing and two objects', async () => {
    for (const _ of [1, 2, 3]) await bench.accept({ seed: 7, numInferenceSteps: 20 });
    const leases = [await bench.lease(), await bench.lease(), await bench.lease()];
    const waited = vi.fn<() => void>();
    const runs = leases.map((lease) => bench.run(lease, { onWaiting: waited }));
    await vi.waitFor(() => expect(bench.runner.room()).toBe(7));
    const ended = await Promise.all(leases.map(async (lease, at) => bench.complete(lease, (await runs[at]) ?? fail())));
    expect(drawings()).toBe(1);
    expect(waited.mock.calls.length).toBeGreaterThan(5);
    expect(ended.filter((job) => isCached(job))).toHaveLength(2);
    expect(new Set(ended.map((job) => imagesOf(job)[0]?.sha256)).size).toBe(1);
    for (const { resultKeys } of ended) expect(await bench.store.exists(resultKeys[0] ?? '')).toBe(true);
    expect(bench.cacheOutcomes.of('shared')).toBe(2);
    expect(bench.runner.room()).toBe(8);
  });

  it.each([
    ['is cancelled', new DomainError('canceled', 'The request was cancelled.')],
    ['fails', new DomainError('worker-unavailable', 'The worker made no progress for too long.')],
  ])('are two drawings when the first %s', async (_what, reason) => {
    for (const _ of [1, 2]) await bench.accept({ seed: 7, numInferenceSteps: 100 });
    const gone = new AbortController();
    const first = await bench.lease();
    const failing = bench.run(first, { signal: gone.signal }).catch((error: unknown) => error);
    await vi.waitFor(() => expect(drawings()).toBe(1));
    const second = await bench.lease();
    const waits = vi.fn<() => void>();
    const running = bench.run(second, { onWaiting: waits });
    await vi.waitFor(() => expect(waits).toHaveBeenCalled());
    gone.abort(reason);
    expect(await failing).toBe(reason);
    expect(await bench.complete(second, await running)).toMatchObject({
      state: 'succeeded',
      receipt: { cached_images: 0 },
    });
    expect(drawings()).toBe(2);
    expect(await bench.store.exists(first.job.resultKeys[0] ?? '')).toBe(false);
  });

  it('leave each other alone when the second is cancelled', async () => {
    for (const _ of [1, 2]) await bench.accept({ seed: 7, numInferenceSteps: 100 });
    const running = bench.run(await bench.lease());
    await vi.waitFor(() => expect(drawings()).toBe(1));
    const gone = new AbortController();
    const reason = new DomainError('canceled', 'The request was cancelled.');
    const second = await bench.lease();
    const waits = vi.fn<() => void>();
    const waiting = bench.run(second, { signal: gone.signal, onWaiting: waits }).catch((error: unknown) => error);
    await vi.waitFor(() => expect(waits).toHaveBeenCalled());
    gone.abort(reason);
    expect(await waiting).toBe(reason);
    expect(await running).toMatchObject({ state: 'succeeded' });
    expect(drawings()).toBe(1);
    expect(await bench.store.exists(second.job.resultKeys[0] ?? '')).toBe(false);
  });

  it('are two drawings when the second wants its own', async () => {
    await bench.accept({ seed: 7, numInferenceSteps: 20 });
    await bench.accept({ seed: 7, numInferenceSteps: 20 }, 'memory', { isFreshWanted: true });
    const runs = [bench.run(await bench.lease()), bench.run(await bench.lease())];
    await Promise.all(runs);
    expect(drawings()).toBe(2);
  });
});

describe.skipIf(!hasRedis)('instances that share a Redis', () => {
  let redis: RedisServer;
  beforeEach(async () => {
    redis = await RedisServer.start();
    await bench.reset({ resultCache: { ...inMemory, url: redis.url }, stepMs: 200 });
    await vi.waitFor(async () => {
      await done({ seed: 1 });
      if ((await redis.keys()).length !== 1) throw new Error('the server is not reached yet');
    }, 10_000);
  });
  afterEach(() => redis.stop());

  it('share what they have drawn, and draw when it is gone', async () => {
    expect(isCached(await done({ seed: 1 }))).toBe(true);
    await redis.end();
    await vi.waitFor(async () => expect(isCached(await done({ seed: 1 }))).toBe(false), 10_000);
    expect(bench.cacheOutcomes.of('unavailable')).toBeGreaterThan(0);
  });

  /** Two jobs for one picture, each leased by an instance of its own; both have reached the server. */
  async function twinsOfTwo(): Promise<{ first: Lease; second: Lease; other: IllustrationRunner }> {
    const other = bench.newRunner({ ...inMemory, url: redis.url });
    await vi.waitFor(async () => {
      await bench.accept({ seed: 1 });
      const lease = await bench.lease();
      expect(isCached(await bench.complete(lease, await bench.run(lease, {}, other)))).toBe(true);
    }, 10_000);
    await bench.accept({ seed: 2 });
    await bench.accept({ seed: 2 });
    return { first: await bench.lease(), second: await bench.lease(), other };
  }

  it('draw one picture once that both want at the same time', async () => {
    const { first, second, other } = await twinsOfTwo();
    const before = drawings();
    const onWaiting = vi.fn<() => void>();
    const outcomes = await Promise.all([bench.run(first, { onWaiting }), bench.run(second, { onWaiting }, other)]);
    expect(drawings() - before).toBe(1);
    expect(onWaiting).toHaveBeenCalled();
    expect(outcomes.filter(isCached)).toHaveLength(1);
    expect(await redis.keys()).toHaveLength(2);
  });

  it('draw it after all when the one that drew has failed', async () => {
    const { first, second, other } = await twinsOfTwo();
    const before = drawings();
    const stop = new AbortController();
    const hasFailed = bench.run(first, { signal: stop.signal }).then(
      () => false,
      () => true,
    );
    await vi.waitFor(() => expect(drawings() - before).toBe(1), 5000);
    const following = bench.run(second, { onWaiting: () => stop.abort(new Error('enough')) }, other);
    expect(await hasFailed).toBe(true);
    expect(isCached(await following)).toBe(false);
    expect(drawings() - before).toBe(2);
  });
});

function fail(): never {
  throw new Error('the sample is incomplete');
}
