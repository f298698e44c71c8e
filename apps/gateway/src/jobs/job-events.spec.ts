import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { aJob, backends, JobPath, type StartedBackend } from '../../../../test/support/job-path.js';
import { Bell } from './bell.js';
import type { JobEvent } from './domain/job-event.js';
import type { Job } from './domain/job.js';
import type { Lease } from './job-queue.js';

const drawn = { type: 'succeeded', result: { url: 'u' }, receipt: {} } as const;
const step = (number: number) => ({ step: number, total: 30, image: 1, images: 1 });

const collect = async (events: AsyncIterable<JobEvent>): Promise<JobEvent[]> => {
  const all: JobEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
};
/** Longer than a notice takes, shorter than a test may. */
const longMs = 4000;
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

// Watching jobs, on both databases: every event once, in order, to the last.
for (const { name, isAvailable, isServer, start } of backends) {
  describe.skipIf(!isAvailable)(`the events of a job on ${name}`, () => {
    let backend: StartedBackend;
    let path: JobPath;

    beforeAll(async () => {
      backend = await start();
      path = await JobPath.start(backend.database);
    }, 60_000);
    afterEach(() => path.clear());
    afterAll(async () => {
      await path.stop();
      await backend.stop();
    });

    const accept = async (): Promise<Job> => (await path.store.accept(aJob())).job;
    const lease = async (): Promise<Lease> => {
      const { leases } = await path.queue.lease(1, null);
      if (leases[0] === undefined) throw new Error('nothing was leased');
      return leases[0];
    };
    const runWithProgress = async (steps: number): Promise<void> => {
      const held = await lease();
      for (let number = 1; number <= steps; number += 1) await path.queue.progress(held, step(number));
      await path.queue.complete(held, drawn);
    };

    it('come to many watchers without gap or double while they are written, and end', async () => {
      const { id } = await accept();
      const watchers = Array.from({ length: 10 }, () => collect(path.events.watch('tenant-a', id)));
      const late = runWithProgress(30).then(() => collect(path.events.watch('tenant-a', id)));
      for (const events of await Promise.all([...watchers, late])) {
        // queued, started, 30 steps, succeeded
        expect(events.map(({ seq }) => seq)).toEqual(numbers(1, 33));
        expect(events.at(-1)).toMatchObject({ type: 'succeeded', data: { result: { url: 'u' } } });
        expect(events[2]).toMatchObject({ type: 'progress', data: { step: 1, total: 30 } });
        expect(events[0]?.at).toBeInstanceOf(Date);
      }
    });

    it('go on after the last one seen', async () => {
      const { id } = await accept();
      await runWithProgress(5);
      const after = (afterSeq: number) => collect(path.events.watch('tenant-a', id, { afterSeq }));
      expect((await after(4)).map(({ seq }) => seq)).toEqual(numbers(5, 8));
      expect(await after(8)).toEqual([]);
      expect(await after(1000)).toEqual([]);
    });

    it('come in pages when there are many', async () => {
      const { id } = await accept();
      await runWithProgress(450);
      const events = await collect(path.events.watch('tenant-a', id));
      expect(events.map(({ seq }) => seq)).toEqual(numbers(1, 453));
    });

    it('tell of an end also to who asks for it when it has come', async () => {
      const { id } = await accept();
      const told = new Bell();
      const stop = path.events.ringAtEnd(id, told);
      await runWithProgress(0);
      await told.sleep(longMs);
      stop();

      const late = new Bell();
      path.events.ringAtEnd(id, late)();
      const begun = performance.now();
      await late.sleep(longMs);
      expect(performance.now() - begun).toBeLessThan(longMs);
    });

    it("are for the job's tenant only", async () => {
      const { id } = await accept();
      await expect(collect(path.events.watch('tenant-b', id))).rejects.toMatchObject({ reason: 'not-found' });
      await expect(collect(path.events.watch('tenant-a', 'x'))).rejects.toMatchObject({ reason: 'not-found' });
    });

    it('end quietly for a watcher that leaves, which wakes it', async () => {
      const { id } = await accept();
      const leaving = new AbortController();
      const watching = collect(path.events.watch('tenant-a', id, { signal: leaving.signal }));
      const other = path.events.watch('tenant-a', id);
      await other.next();
      leaving.abort();
      expect((await watching).length).toBeLessThanOrEqual(1);
      await other.return();
    });

    it.skipIf(!isServer)('are seen on another gateway, also after its listening connection was cut', async () => {
      const another = await backend.openAnother?.();
      if (another === undefined) throw new Error('no second connection');
      const there = await JobPath.start(another);
      const { id } = await accept();
      const events = there.events.watch('tenant-a', id);
      expect((await events.next()).value).toMatchObject({ seq: 1, type: 'queued' });

      const next = events.next();
      const held = await lease();
      expect((await next).value).toMatchObject({ seq: 2, type: 'started' });

      const last = events.next();
      await another.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'`);
      await path.queue.complete(held, drawn);
      expect((await last).value).toMatchObject({ seq: 3, type: 'succeeded' });
      expect((await events.next()).done).toBe(true);
      await there.stop();
    });
  });
}
