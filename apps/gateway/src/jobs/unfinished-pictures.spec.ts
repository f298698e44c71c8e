import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { aJob, backends, JobPath, type StartedBackend } from '../../../../test/support/job-path.js';
import type { Lease } from './job-queue.js';
import type { JobPreview } from './job-previews.js';

// What is kept of pictures that are being drawn, on each database.
const outOfMemory = { reason: 'gpu-out-of-memory', detail: 'x' } as const;
const state = Buffer.from([0, 255, 1, 128]);

describe.each(backends.filter(({ isAvailable }) => isAvailable))('unfinished pictures on $name', (backend) => {
  let started: StartedBackend;
  let path: JobPath;

  beforeAll(async () => {
    started = await backend.start();
    path = await JobPath.start(started.database);
  }, 60_000);
  beforeEach(() => path.clear());
  afterAll(async () => {
    await path.stop();
    await started.stop();
  });

  async function aRun(): Promise<Lease> {
    await path.store.accept(aJob());
    return leaseAgain();
  }

  async function leaseAgain(): Promise<Lease> {
    const { leases } = await path.queue.lease(1, null);
    if (leases[0] === undefined) throw new Error('nothing to lease');
    return leases[0];
  }

  const pictureOf = ({ job, attempt }: Lease, image = 0) => ({ jobId: job.id, attempt: attempt.retryCount + 1, image });

  it('keeps the newest checkpoint of each picture, byte for byte', async () => {
    const run = await aRun();
    await path.checkpoints.keep(pictureOf(run), { step: 10, state: Buffer.from('older') });
    await path.checkpoints.keep(pictureOf(run), { step: 20, state });
    await path.checkpoints.keep(pictureOf(run, 1), { step: 5, state: Buffer.from('other') });
    expect(await path.checkpoints.find(run.job.id, 0)).toEqual({ step: 20, state });
    expect(await path.checkpoints.find(run.job.id, 1)).toMatchObject({ step: 5 });
    expect(await path.checkpoints.find(run.job.id, 2)).toBeUndefined();
  });

  it('keeps it over a failed attempt, and takes none from that one any more', async () => {
    const early = await aRun();
    await path.checkpoints.keep(pictureOf(early), { step: 10, state });
    await path.queue.retry(early, outOfMemory, 0);
    await path.checkpoints.keep(pictureOf(early), { step: 20, state });
    const late = await leaseAgain();
    await path.checkpoints.keep(pictureOf(early), { step: 30, state });
    expect(await path.checkpoints.find(late.job.id, 0)).toEqual({ step: 10, state });
    await path.checkpoints.keep(pictureOf(late), { step: 5, state });
    expect(await path.checkpoints.find(late.job.id, 0)).toEqual({ step: 5, state });
  });

  it.each(['failed', 'canceled'] as const)('forgets all with a job that has %s', async (type) => {
    const run = await aRun();
    await path.checkpoints.keep(pictureOf(run), { step: 10, state });
    await path.previews.show(pictureOf(run), { step: 10, png: state });
    await path.queue.complete(run, { type, error: outOfMemory });
    await path.checkpoints.keep(pictureOf(run), { step: 20, state });
    await path.previews.show(pictureOf(run), { step: 20, png: state });
    expect(await path.checkpoints.find(run.job.id, 0)).toBeUndefined();
    expect(await path.database.query('SELECT 1 AS one FROM illustration.job_previews')).toEqual([]);
  });

  it('shows previews to who watches, the newest first and each newer one, and none of a late attempt', async () => {
    const early = await aRun();
    await path.queue.retry(early, outOfMemory, 0);
    const run = await leaseAgain();
    await path.previews.show(pictureOf(run), { step: 1, png: state });
    const leaving = new AbortController();
    const seen: JobPreview[] = [];
    const watching = (async () => {
      for await (const preview of path.previews.watch(run.job.id, leaving.signal)) seen.push(preview);
    })();
    await expect.poll(() => seen.length, { interval: 5 }).toBe(1);
    await path.previews.show(pictureOf(early), { step: 9, png: state });
    await path.previews.show(pictureOf(run), { step: 2, png: state });
    await expect.poll(() => seen.length, { interval: 5 }).toBe(2);
    leaving.abort();
    await watching;
    expect(seen).toEqual([1, 2].map((step) => ({ attempt: 2, image: 0, step, png: state })));
  });
});
