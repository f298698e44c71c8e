import { Logger } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { RunnerBench } from '../../../../test/support/runner-bench.js';
import { DomainError } from '../errors/domain-error.js';
import type { JobProgress } from '../jobs/domain/job.js';
import type { Lease } from '../jobs/job-queue.js';
import { imagesOf } from './job-outcome.js';

// Attempts after one that was cut short while it drew: they go on from its last checkpoint.

const checkpointEvery = 5;
const fields = { seed: 7, numInferenceSteps: 23 };
let bench: RunnerBench;

beforeAll(async () => {
  Logger.overrideLogger(false);
  bench = await RunnerBench.start();
}, 60_000);
beforeEach(() => bench.reset({ checkpointEvery }));
afterEach(() => vi.restoreAllMocks());
afterAll(() => bench.stop());

/** Runs until so many steps are told of, and then the worker is gone. */
async function cutShort(leased: Lease, { afterStep, image = 1 }: { afterStep: number; image?: number }): Promise<void> {
  const gone = new AbortController();
  const onProgress = (progress: JobProgress): void => {
    if (progress.step === afterStep && progress.image === image) {
      gone.abort(new DomainError('worker-unavailable', 'The worker is not reachable.'));
    }
  };
  await expect(bench.run(leased, { signal: gone.signal, onProgress })).rejects.toMatchObject({
    reason: 'worker-unavailable',
  });
  await bench.jobPath.recovery.reclaimAll();
}

async function drawnWithoutInterruption(more: { n?: number } = {}): Promise<(string | undefined)[]> {
  await bench.accept({ ...fields, ...more });
  const leased = await bench.lease();
  const done = await bench.complete(leased, await bench.run(leased));
  expect(done.receipt).toMatchObject({ resumed_from_step: null });
  return imagesOf(done).map(({ sha256 }) => sha256);
}

async function storedCheckpoints(): Promise<{ image: number; attempt: number; step: number }[]> {
  return bench.jobPath.database.query(
    'SELECT image, attempt, step FROM illustration.job_checkpoints ORDER BY job_id, image',
  );
}

describe('a later attempt', () => {
  it('goes on from the last checkpoint, and ends with the same picture', async () => {
    const whole = await drawnWithoutInterruption();
    await bench.accept(fields);
    await cutShort(await bench.lease(), { afterStep: 13 });
    const second = await bench.lease();
    const told: number[] = [];
    const outcome = await bench.run(second, { onProgress: ({ step }) => told.push(step) });

    expect(told).toEqual([0, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]);
    expect(imagesOf(outcome).map(({ sha256 }) => sha256)).toEqual(whole);
    expect(outcome.receipt).toMatchObject({ attempt: 2, adopted: false, resumed_from_step: 10 });
  });

  it('of several pictures goes on with the one that was being drawn', async () => {
    const whole = await drawnWithoutInterruption({ n: 3 });
    await bench.accept({ ...fields, n: 3 });
    await cutShort(await bench.lease(), { afterStep: 7, image: 2 });
    const outcome = await bench.run(await bench.lease());
    expect(imagesOf(outcome).map(({ sha256 }) => sha256)).toEqual(whole);
    expect(outcome.receipt).toMatchObject({
      resumed_from_step: 5,
      images: [
        { adopted: true, resumed_from_step: null },
        { adopted: false, resumed_from_step: 5 },
        { adopted: false, resumed_from_step: null },
      ],
    });
  });

  it('draws from the start when the checkpoint does not fit', async () => {
    const job = await bench.accept(fields);
    await cutShort(await bench.lease(), { afterStep: 13 });
    const second = await bench.lease();
    const ofRun = { jobId: job.id, attempt: 2, image: 0 };
    await bench.jobPath.checkpoints.keep(ofRun, { step: 10, state: Buffer.from('of another build') });
    const outcome = await bench.run(second);
    expect(bench.illustrator.tasks.at(-1)?.checkpoint?.step).toBe(10);
    expect(outcome.receipt).toMatchObject({ attempt: 2, resumed_from_step: null });
  });

  it('draws from the start when the database does not give the checkpoint', async () => {
    await bench.accept(fields);
    await cutShort(await bench.lease(), { afterStep: 13 });
    const second = await bench.lease();
    vi.spyOn(bench.jobPath.checkpoints, 'find').mockRejectedValue(new DomainError('storage-unavailable', 'gone'));
    expect((await bench.run(second)).receipt).toMatchObject({ resumed_from_step: null });
  });
});

describe('checkpoints', () => {
  it('do not hold up the drawing while the database is slow: one is written at a time, then the newest', async () => {
    const keep = bench.jobPath.checkpoints.keep.bind(bench.jobPath.checkpoints);
    const steps: number[] = [];
    const held = Promise.withResolvers<void>();
    vi.spyOn(bench.jobPath.checkpoints, 'keep').mockImplementation(async (picture, checkpoint) => {
      steps.push(checkpoint.step);
      await held.promise;
      await keep(picture, checkpoint);
    });
    await bench.accept(fields);
    const gone = new AbortController();
    const onProgress = ({ step }: JobProgress): void => {
      if (step === 22) gone.abort(new DomainError('worker-unavailable', 'The worker is not reachable.'));
    };
    const running = bench.run(await bench.lease(), { signal: gone.signal, onProgress });
    await expect.poll(() => gone.signal.aborted, { interval: 5 }).toBe(true);
    expect(steps).toEqual([5]);
    held.resolve();
    await expect(running).rejects.toMatchObject({ reason: 'worker-unavailable' });
    expect(steps).toEqual([5, 20]);
    expect(await storedCheckpoints()).toEqual([{ image: 0, attempt: 1, step: 20 }]);
  });

  it('of an attempt that has lost the job are not written', async () => {
    const job = await bench.accept(fields);
    await cutShort(await bench.lease(), { afterStep: 13 });
    await bench.lease();
    await bench.jobPath.checkpoints.keep(
      { jobId: job.id, attempt: 1, image: 0 },
      { step: 20, state: Buffer.from('late') },
    );
    expect(await storedCheckpoints()).toEqual([{ image: 0, attempt: 1, step: 10 }]);
  });

  it('are gone when the job has ended, and none comes after', async () => {
    const job = await bench.accept(fields);
    await cutShort(await bench.lease(), { afterStep: 13 });
    const second = await bench.lease();
    await bench.complete(second, await bench.run(second));
    await bench.jobPath.checkpoints.keep(
      { jobId: job.id, attempt: 2, image: 0 },
      { step: 20, state: Buffer.from('late') },
    );
    expect(await storedCheckpoints()).toEqual([]);
  });
});
