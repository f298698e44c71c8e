import { Logger } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { aJob, backends, JobPath, type StartedBackend } from '../../../../test/support/job-path.js';
import { drawn, ScriptedRunner, untilAborted } from '../../../../test/support/scripted-runner.js';
import { DomainError } from '../errors/domain-error.js';
import type { Reason } from '../errors/reason.js';
import { Shutdown } from '../lifecycle/shutdown.js';
import { Dispatcher } from './dispatcher.js';
import type { Job } from './domain/job.js';

Logger.overrideLogger(false);

/** How the first run of a job of this kind fails. */
const reasonOf: Partial<Record<string, Reason>> = {
  troubled: 'worker-unavailable',
  refused: 'starting',
  hopeless: 'avatar-not-found',
};

// A gateway's dispatcher over a runner that does as it is told, on both databases.
for (const { name, isAvailable, isServer, start } of backends) {
  describe.skipIf(!isAvailable)(`the dispatcher on ${name}`, () => {
    let backend: StartedBackend;
    let path: JobPath;
    let runner: ScriptedRunner;
    let dispatcher: Dispatcher;
    const shutdown = new Shutdown({ shutdown: { graceMs: 10_000, delayMs: 0 } });

    beforeAll(async () => {
      backend = await start();
      path = await JobPath.start(backend.database, { stepTimeoutMs: 300, abortGraceMs: 200 });
    }, 60_000);
    const startDispatcher = async (room: number): Promise<void> => {
      runner = new ScriptedRunner(room);
      const { queue, recovery, events, capacity, config } = path;
      dispatcher = new Dispatcher(backend.database, queue, recovery, events, capacity, runner, config, shutdown);
      await dispatcher.start();
    };
    /** From the start: a look for jobs that is under way would still bring one when the room goes. */
    const startWithoutRoom = async (): Promise<void> => {
      await dispatcher.drain(0);
      await startDispatcher(0);
    };
    beforeEach(() => startDispatcher(2));
    afterEach(async () => {
      await dispatcher.drain(0);
      await path.clear();
    });
    afterAll(async () => {
      await path.stop();
      await backend.stop();
    });

    const accept = async (fields?: Parameters<typeof aJob>[0]): Promise<Job> =>
      (await path.store.accept(aJob(fields))).job;
    /** Follows a job to its end. @returns the job and the types of its events */
    const ended = async ({ tenant, id }: Job): Promise<Job & { events: string[] }> => {
      const events: string[] = [];
      for await (const { type } of path.events.watch(tenant, id)) events.push(type);
      return { ...(await path.store.get(tenant, id)), events };
    };
    /** Resolves when the runner has the job. */
    const started = async ({ id }: Job): Promise<void> => {
      await expect.poll(() => runner.runs.map(({ jobId }) => jobId), { interval: 2 }).toContain(id);
    };

    it('runs every job once, as many at a time as there is room for', async () => {
      // The first run ends when there is a second one.
      runner.script = async () => {
        await expect.poll(() => runner.runs.length, { interval: 2, timeout: 5000 }).toBeGreaterThan(1);
        return drawn;
      };
      const jobs = await Promise.all(Array.from({ length: 20 }, () => accept()));
      for (const job of jobs) {
        expect(await ended(job)).toMatchObject({
          state: 'succeeded',
          result: drawn.result,
          receipt: drawn.receipt,
          attempt: 1,
          events: ['queued', 'started', 'succeeded'],
        });
      }
      expect(runner.runs.map(({ jobId }) => jobId).toSorted()).toEqual(jobs.map(({ id }) => id).toSorted());
      expect(runner.mostAtOnce).toBe(2);
    });

    it('is woken by the job itself, long before it would have looked', async () => {
      for (let number = 0; number < 20; number += 1) {
        const job = await accept();
        const acceptedAt = performance.now();
        await ended(job);
        expect((runner.runs.at(-1)?.at ?? Infinity) - acceptedAt).toBeLessThan(300);
      }
    });

    it('leases nothing without room, and at once when there is room again', async () => {
      await startWithoutRoom();
      const job = await accept();
      // Leased past the dispatcher and handed back, which tells every dispatcher that there is work.
      const { leases } = await path.queue.lease(1, null);
      for (const lease of leases) await path.queue.release(lease, { reason: 'draining', detail: 'd' }, 0);
      expect(runner.runs).toEqual([]);
      runner.setCapacity(1);
      expect(await ended(job)).toMatchObject({ state: 'succeeded', attempt: 2 });
    });

    it('neither gives up nor charges a job that waits for its turn', async () => {
      runner.script = async ({ id }, { attempt, signal, onWaiting }) => {
        if (attempt > 1) return drawn;
        // Three times as long as a run may go without progress.
        for (let waitedMs = 0; waitedMs < 900; waitedMs += 50) {
          onWaiting();
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        throw new DomainError(signal.aborted ? 'internal' : 'worker-unavailable', `the worker of ${id} died`);
      };
      const job = await accept();
      expect(await ended(job)).toMatchObject({
        attempt: 2,
        events: ['queued', 'started', 'requeued', 'started', 'succeeded'],
      });
      const limits = 'SELECT retry_limit FROM illustration_queue.job WHERE id = $1::uuid';
      const [entry] = await backend.database.query<{ retry_limit: number }>(limits, [job.id]);
      expect(entry?.retry_limit).toBe(path.config.maxAttempts);
    });

    it('tells of progress while it runs, the last step included', async () => {
      runner.script = async (_, { onProgress }) => {
        for (let step = 1; step <= 30; step += 1) {
          onProgress({ step, total: 30, image: 1, images: 1 });
          await new Promise((resolve) => setImmediate(resolve));
        }
        return drawn;
      };
      const job = await accept();
      const steps: unknown[] = [];
      for await (const event of path.events.watch(job.tenant, job.id)) {
        if (event.type === 'progress') steps.push(event.data['step']);
      }
      expect(steps[0]).toBe(1);
      expect(steps.at(-1)).toBe(30);
    });

    it('tries again what may succeed, hands back what was refused, fails the rest at once', async () => {
      runner.script = ({ kind }, { attempt }) => {
        if (kind === 'broken') throw new Error('secret');
        if (attempt > 1) return Promise.resolve(drawn);
        throw new DomainError(reasonOf[kind] ?? 'internal', 'because');
      };
      const troubled = await accept({ kind: 'troubled' });
      const refused = await accept({ kind: 'refused' });
      const hopeless = await accept({ kind: 'hopeless' });
      const broken = await accept({ kind: 'broken' });

      expect(await ended(hopeless)).toMatchObject({
        state: 'failed',
        attempt: 1,
        error: { reason: 'avatar-not-found', detail: 'because' },
      });
      expect(await ended(broken)).toMatchObject({ state: 'failed', error: { reason: 'internal' } });
      for (const job of [troubled, refused]) {
        expect(await ended(job)).toMatchObject({
          state: 'succeeded',
          attempt: 2,
          events: ['queued', 'started', 'requeued', 'started', 'succeeded'],
        });
      }
    });

    it('takes a run that makes no progress for a hang, and its late result for nothing', async () => {
      const late: (() => void)[] = [];
      runner.script = (_, { attempt }) =>
        attempt === 1 ? new Promise((resolve) => late.push(() => resolve(drawn))) : Promise.resolve(drawn);
      const job = await accept();
      const { events, attempt } = await ended(job);
      expect(attempt).toBe(2);
      expect(events).toEqual(['queued', 'started', 'requeued', 'started', 'succeeded']);
      late.forEach((finish) => finish());
      expect((await ended(job)).events).toEqual(events);
    });

    it('stops a run within 100 ms of its cancel', async () => {
      let stoppedAt = 0;
      runner.script = async (_, { signal }) => {
        signal.addEventListener('abort', () => (stoppedAt = performance.now()));
        return untilAborted(signal);
      };
      const job = await accept();
      await started(job);
      const askedAt = performance.now();
      await path.store.requestCancel(job.tenant, job.id);
      const canceled = await ended(job);
      expect(canceled).toMatchObject({ state: 'canceled', error: { reason: 'canceled' } });
      expect(canceled.events).toEqual(['queued', 'started', 'cancel-requested', 'canceled']);
      expect(stoppedAt - askedAt).toBeLessThan(100);
    });

    it('stops a run at its deadline', async () => {
      runner.script = (_, { signal }) => untilAborted(signal);
      const job = await accept({ deadline: new Date(Date.now() + 250) });
      expect(await ended(job)).toMatchObject({ state: 'expired', attempt: 1, error: { reason: 'deadline-exceeded' } });
    });

    it('expires within a second what waits past its deadline', async () => {
      await startWithoutRoom();
      const deadline = new Date(Date.now() + 100);
      const expired = await ended(await accept({ deadline }));
      expect(expired).toMatchObject({ state: 'expired', attempt: 0, events: ['queued', 'expired'] });
      expect((expired.finishedAt?.getTime() ?? Infinity) - deadline.getTime()).toBeLessThan(1000);
      expect(runner.runs).toEqual([]);
    });

    it('lets runs end when it drains, and begins none', async () => {
      const finish: (() => void)[] = [];
      runner.script = (_, { onProgress }) => {
        onProgress({ step: 1, total: 2, image: 1, images: 1 });
        return new Promise((resolve) => finish.push(() => resolve(drawn)));
      };
      const running = await accept();
      await started(running);
      const draining = dispatcher.drain(5000);
      const waiting = await accept();
      finish.forEach((one) => one());
      await draining;
      expect((await path.store.get('tenant-a', running.id)).state).toBe('succeeded');
      expect(await path.store.get('tenant-a', waiting.id)).toMatchObject({ state: 'queued', attempt: 0 });
      expect((await path.capacity.outlook()).capacity).toBe(0);
    });

    it('hands back what has not ended when the drain is over, without using up an attempt', async () => {
      runner.script = (_, { signal }) => untilAborted(signal);
      const job = await accept();
      await started(job);
      await dispatcher.drain(50);
      expect(await path.store.get('tenant-a', job.id)).toMatchObject({ state: 'queued', error: null });
      const limits = 'SELECT retry_limit - retry_count AS left FROM illustration_queue.job WHERE id = $1::uuid';
      expect(await backend.database.query(limits, [job.id])).toEqual([{ left: 3 }]);
    });

    it.skipIf(!isServer)('finishes a run although the database was restarted meanwhile', async () => {
      const finish: (() => void)[] = [];
      runner.script = (_, { onProgress }) => {
        const alive = setInterval(() => onProgress({ step: 1, total: 2, image: 1, images: 1 }), 50);
        return new Promise((resolve) => {
          finish.push(() => {
            clearInterval(alive);
            resolve(drawn);
          });
        });
      };
      const job = await accept();
      const types: string[] = [];
      const watching = (async () => {
        for await (const { type } of path.events.watch(job.tenant, job.id)) types.push(type);
      })();
      await expect.poll(() => types).toContain('started');
      await started(job);
      const restarting = backend.restart?.();
      finish.forEach((one) => one());
      await restarting;
      await watching;
      expect(types.filter((type) => type !== 'progress')).toEqual(['queued', 'started', 'succeeded']);
      expect(runner.runs).toHaveLength(1);
    });

    it.skipIf(!isServer)(
      'takes over from a gateway that is never heard of again, within the lease and two seconds',
      async () => {
        await startWithoutRoom();
        const job = await accept();
        await path.queue.lease(1, null);
        const silentSince = performance.now();
        runner.setCapacity(1);
        expect(await ended(job)).toMatchObject({ state: 'succeeded', attempt: 2 });
        const [run] = runner.runs;
        expect((run?.at ?? 0) - silentSince).toBeGreaterThan(9900);
        expect((run?.at ?? Infinity) - silentSince).toBeLessThan(12_000);
      },
      20_000,
    );
  });
}
