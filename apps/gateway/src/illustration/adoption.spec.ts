import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { Logger } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { Leftovers } from '../jobs/leftovers.js';
import { RunnerBench } from '../../../../test/support/runner-bench.js';
import { FakeIllustrator } from './worker/fake-illustrator.js';

// Attempts after one that died with its picture stored: the GPU is not used twice.

let bench: RunnerBench;

beforeAll(async () => {
  Logger.overrideLogger(false);
  bench = await RunnerBench.start();
}, 60_000);
beforeEach(() => bench.reset());
afterEach(() => vi.restoreAllMocks());
afterAll(() => bench.stop());

describe('a later attempt', () => {
  it('adopts the picture of one that died between put and complete, without the GPU', async () => {
    await bench.accept({ seed: 7 });
    const first = await bench.lease();
    const lost = await bench.run(first);
    expect(await bench.jobPath.recovery.reclaimAll()).toBe(1);

    const second = await bench.lease();
    const done = await bench.complete(second, await bench.run(second));

    expect(bench.illustrator.tasks).toHaveLength(1);
    expect(done).toMatchObject({
      state: 'succeeded',
      result: lost.result,
      receipt: { attempt: 2, adopted: true, drawn_by: null, gpu_seconds: 0 },
    });
    // The first comes back to life: too late.
    await expect(bench.complete(first, lost)).rejects.toMatchObject({ name: 'FencedError' });
  });

  it('draws only what is missing', async () => {
    const job = await bench.accept({ n: 3, seed: 7 });
    const first = await bench.run(await bench.lease());
    await rm(join(bench.folder, job.resultKeys[1] ?? ''));
    await bench.jobPath.recovery.reclaimAll();
    const second = await bench.run(await bench.lease());
    expect(bench.illustrator.tasks.map(({ seed }) => seed)).toEqual([7, 8, 9, 8]);
    expect(second.result).toEqual(first.result);
    expect(second.receipt['images']).toMatchObject([{ adopted: true }, { adopted: false }, { adopted: true }]);
  });

  it('keeps the picture that a slower earlier attempt stores while this one draws', async () => {
    const job = await bench.accept({ seed: 7 });
    await bench.run(await bench.lease());
    const key = job.resultKeys[0] ?? '';
    const early = await readFile(join(bench.folder, key));
    await rm(join(bench.folder, key));
    await bench.jobPath.recovery.reclaimAll();
    const second = await bench.lease();
    vi.spyOn(bench.illustrator, 'draw').mockImplementation(async function* (task, options) {
      yield* new FakeIllustrator(0).draw({ ...task, seed: 8 }, options);
      await bench.store.putIfAbsent(key, { body: early, contentType: 'image/png' });
    });
    const { result, receipt } = await bench.run(second);
    expect((await readFile(join(bench.folder, key))).equals(early)).toBe(true);
    const sha256 = createHash('sha256').update(early).digest('hex');
    expect(result['images']).toMatchObject([{ sha256, size_bytes: early.length }]);
    expect(receipt).toMatchObject({ adopted: true });
  });

  it('takes no rubbish for a picture', async () => {
    const job = await bench.accept();
    await bench.lease();
    await bench.jobPath.recovery.reclaimAll();
    await bench.store.put(job.resultKeys[0] ?? '', Buffer.from('half a pict'), 'image/png');
    await expect(bench.run(await bench.lease())).rejects.toMatchObject({ reason: 'generation-failed' });
  });

  it('does not look for results of attempts that never were', async () => {
    const stat = vi.spyOn(bench.store, 'stat');
    await bench.accept();
    await bench.run(await bench.lease());
    expect(stat).not.toHaveBeenCalled();
  });
});

describe('a job that ended without a result', () => {
  const discard = (leftovers: Leftovers): Promise<void> => leftovers.sweep((job) => bench.runner.discard(job));
  const isStored = (key = ''): Promise<boolean> => bench.store.exists(key);

  it('leaves no picture behind: neither of a cancelled job of several nor of one whose gateway died', async () => {
    const canceled = await bench.accept({ n: 2, seed: 7 });
    const lease = await bench.lease();
    await bench.run(lease);
    await bench.jobPath.queue.complete(lease, {
      type: 'canceled',
      error: { reason: 'canceled', detail: 'The request was cancelled.' },
    });
    const succeeded = await bench.accept({ seed: 8 });
    const good = await bench.lease();
    await bench.complete(good, await bench.run(good));
    expect(await isStored(canceled.resultKeys[0])).toBe(true);

    await discard(new Leftovers(bench.jobPath.database, 60_000)); // an attempt may still write
    expect(await isStored(canceled.resultKeys[0])).toBe(true);

    await discard(new Leftovers(bench.jobPath.database, 0));
    expect(await isStored(canceled.resultKeys[0])).toBe(false);
    expect(await isStored(canceled.resultKeys[1])).toBe(false);
    expect(await isStored(succeeded.resultKeys[0])).toBe(true);
  });

  it('is gone through once, and again after a store that did not answer', async () => {
    for (const seed of [1, 2, 3]) {
      await bench.accept({ seed });
      const error = { reason: 'generation-failed', detail: 'It could not be drawn.' } as const;
      await bench.jobPath.queue.complete(await bench.lease(), { type: 'failed', error });
    }
    const leftovers = new Leftovers(bench.jobPath.database, 0);
    const seen: string[] = [];
    const failing = leftovers.sweep((job) => {
      if (seen.length === 1) return Promise.reject(new Error('the store does not answer'));
      seen.push(job.id);
      return Promise.resolve();
    });
    await expect(failing).rejects.toThrow('does not answer');
    for (let sweep = 0; sweep < 3; sweep += 1) {
      await leftovers.sweep((job) => Promise.resolve(void seen.push(job.id)));
    }
    expect(new Set(seen).size).toBe(3);
    expect(seen).toHaveLength(3);
  });
});
