import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { aJob, backends, JobPath, type StartedBackend } from '../../../../test/support/job-path.js';
import { DomainError } from '../errors/domain-error.js';
import type { Job, JobError } from './domain/job.js';
import { FencedError } from './fenced.error.js';
import type { Lease } from './job-queue.js';

const outOfMemory: JobError = { reason: 'gpu-out-of-memory', detail: 'The GPU has too little memory.' };
const drawn = { type: 'succeeded', result: { url: 'u' }, receipt: { seed: 7 } } as const;

// Leasing, ending, fencing and fairness, on both databases.
for (const { name, isAvailable, start } of backends) {
  describe.skipIf(!isAvailable)(`the job queue on ${name}`, () => {
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

    const accept = async (fields?: Parameters<typeof aJob>[0]): Promise<Job> =>
      (await path.store.accept(aJob(fields))).job;
    const leaseOne = async (): Promise<Lease> => {
      const { leases } = await path.queue.lease(1, null);
      if (leases[0] === undefined) throw new Error('nothing was leased');
      return leases[0];
    };
    const eventTypes = async (id: string): Promise<string[]> => {
      const sql = 'SELECT seq, type FROM illustration.job_events WHERE job_id = $1::uuid ORDER BY seq';
      const events = await backend.database.query<{ seq: number; type: string }>(sql, [id]);
      expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
      return events.map(({ type }) => type);
    };
    const lapseLeases = (): Promise<unknown> =>
      backend.database.query(`UPDATE illustration_queue.job SET heartbeat_on = now() - interval '11 seconds'`);

    it('leases a job once and ends it with result and receipt', async () => {
      const { id } = await accept();
      const lease = await leaseOne();
      expect(lease.job).toMatchObject({ id, state: 'running', attempt: 1, request: { prompt: 'a walk by the sea' } });
      expect(await path.queue.lease(5, null)).toEqual({ leases: [], isQueueEmpty: true });

      await path.queue.progress(lease, { step: 5, total: 20, image: 1, images: 1 });
      expect((await path.store.get('tenant-a', id)).progress).toEqual({ step: 5, total: 20, image: 1, images: 1 });
      const ended = await path.queue.complete(lease, drawn);

      expect(ended).toMatchObject({ state: 'succeeded', result: { url: 'u' }, receipt: { seed: 7 }, progress: null });
      expect(await path.store.get('tenant-a', id)).toEqual(ended);
      expect(await eventTypes(id)).toEqual(['queued', 'started', 'progress', 'succeeded']);
    });

    it('writes what must exist exactly when the end does, or neither', async () => {
      const { id } = await accept();
      const lease = await leaseOne();
      const outbox = `INSERT INTO illustration.idempotency_keys VALUES ('t', 'outbox', 'h', $1::uuid, clock_timestamp())`;
      const failing = path.queue.complete(lease, drawn, async (tx) => {
        await tx.query(outbox, [id]);
        throw new Error('no outbox');
      });
      await expect(failing).rejects.toThrow('no outbox');
      expect((await path.store.get('tenant-a', id)).state).toBe('running');

      await path.queue.complete(lease, drawn, async (tx) => void (await tx.query(outbox, [id])));
      expect(await backend.database.query('SELECT key FROM illustration.idempotency_keys')).toHaveLength(1);
      await expect(path.queue.complete(lease, drawn)).rejects.toBeInstanceOf(FencedError);
    });

    it('lets the late end of an old attempt change nothing', async () => {
      const { id } = await accept();
      const old = await leaseOne();
      await lapseLeases();
      await path.recovery.sweep();
      await expect(path.queue.complete(old, drawn)).rejects.toBeInstanceOf(FencedError);
      const current = await leaseOne();
      expect(current.job).toMatchObject({ id, attempt: 2 });
      const before = await path.store.get('tenant-a', id);

      await expect(path.queue.complete(old, drawn)).rejects.toBeInstanceOf(FencedError);
      await expect(path.queue.retry(old, outOfMemory, 0)).rejects.toBeInstanceOf(FencedError);
      await expect(path.queue.release(old, outOfMemory, 0)).rejects.toBeInstanceOf(FencedError);
      await expect(path.queue.renew(old)).rejects.toBeInstanceOf(FencedError);
      await path.queue.progress(old, { step: 1, total: 20, image: 1, images: 1 });

      expect(await path.store.get('tenant-a', id)).toEqual(before);
      await path.queue.complete(current, drawn);
      expect(await eventTypes(id)).toEqual(['queued', 'started', 'requeued', 'started', 'succeeded']);
    });

    it('tries again, and after the last attempt fails the job and keeps it with the dead letters', async () => {
      const { id } = await accept();
      await path.queue.retry(await leaseOne(), outOfMemory, 0);
      await path.queue.retry(await leaseOne(), outOfMemory, 0);
      const failed = await path.queue.retry(await leaseOne(), outOfMemory, 0);

      const error = { reason: 'attempts-exhausted', lastFailure: outOfMemory };
      expect(failed).toMatchObject({ state: 'failed', attempt: 3, error });
      expect((await path.queue.lease(1, null)).leases).toEqual([]);
      const deadLetters = `SELECT source_id FROM illustration_queue.job WHERE name = 'illustrations-dead'`;
      expect(await backend.database.query(deadLetters)).toEqual([{ source_id: id }]);

      const again = { id: aJob().id, resultKeys: ['k'], requestId: 'r', deadline: null };
      const redriven = await path.store.redrive(failed, again);
      expect(redriven).toMatchObject({ isReplay: false, job: { state: 'queued', redriveOf: id, seed: failed.seed } });
      const second = await path.store.redrive(failed, { ...again, id: aJob().id });
      expect(second).toEqual({ job: redriven.job, isReplay: true });
      expect(await backend.database.query(deadLetters)).toEqual([]);
      expect((await path.store.get('tenant-a', id)).state).toBe('failed');
    });

    it('waits before the next attempt when told to', async () => {
      await accept();
      await path.queue.retry(await leaseOne(), outOfMemory, 1);
      const begun = Date.now();
      await expect.poll(async () => (await path.queue.lease(1, null)).leases.length, { timeout: 5000 }).toBe(1);
      expect(Date.now() - begun).toBeGreaterThan(500);
    });

    it('hands a job back as often as need be without using up its attempts', async () => {
      const { id } = await accept();
      for (let number = 1; number <= 5; number += 1) await path.queue.release(await leaseOne(), outOfMemory, 0);
      await path.queue.retry(await leaseOne(), outOfMemory, 0);
      await path.queue.retry(await leaseOne(), outOfMemory, 0);
      await path.queue.retry(await leaseOne(), outOfMemory, 0);
      expect(await path.store.get('tenant-a', id)).toMatchObject({ state: 'failed', attempt: 8 });
    });

    it('expires without a run what is overdue or could not be drawn in time', async () => {
      const overdue = await accept({ deadline: new Date(Date.now() - 1) });
      const tooLong = await accept({ deadline: new Date(Date.now() + 10_000), totalSteps: 20 });
      const inTime = await accept({ deadline: new Date(Date.now() + 30_000), totalSteps: 20 });

      const { leases } = await path.queue.lease(5, 1000);

      expect(leases.map(({ job }) => job.id)).toEqual([inTime.id]);
      for (const { id } of [overdue, tooLong]) {
        const error = { reason: 'deadline-exceeded' };
        expect(await path.store.get('tenant-a', id)).toMatchObject({ state: 'expired', attempt: 0, error });
        expect(await eventTypes(id)).toEqual(['queued', 'expired']);
      }
    });

    it('serves another tenant next, however many jobs one has sent', async () => {
      for (let number = 0; number < 50; number += 1) await accept({ tenant: 'tenant-a' });
      const order: string[] = [];
      const serveOne = async (): Promise<void> => {
        const lease = await leaseOne();
        order.push(lease.job.tenant);
        await path.queue.complete(lease, drawn);
      };
      for (let number = 0; number < 5; number += 1) await serveOne();
      const first = await accept({ tenant: 'tenant-b' });
      await accept({ tenant: 'tenant-b' });
      expect((await path.capacity.placeOf(first)).jobsAhead).toBe(0);
      for (let number = 0; number < 4; number += 1) await serveOne();

      expect(order.slice(0, 5)).toEqual(Array(5).fill('tenant-a'));
      // The newcomer is next; then they take turns.
      expect(order[5]).toBe('tenant-b');
      expect(order.slice(5).filter((tenant) => tenant === 'tenant-b')).toHaveLength(2);
    });

    it('counts pictures, not jobs, when it shares', async () => {
      for (let number = 0; number < 4; number += 1) await accept({ tenant: 'four-each', images: 4 });
      for (let number = 0; number < 16; number += 1) await accept({ tenant: 'one-each', images: 1 });
      const { leases } = await path.queue.lease(10, null);
      const images = (tenant: string): number =>
        leases.filter(({ job }) => job.tenant === tenant).reduce((sum, { job }) => sum + job.images, 0);
      expect(images('four-each')).toBe(8);
      expect(images('one-each')).toBe(8);
    });

    it('ends a job once when a cancel races with its lease, its end or its next attempt', async () => {
      const cancel = (id: string): Promise<unknown> =>
        path.store.requestCancel('tenant-a', id).catch((error: unknown) => {
          if (!(error instanceof DomainError) || error.reason !== 'job-not-cancelable') throw error;
        });
      const end = async (lease: Lease): Promise<void> => {
        const isCancelRequested = await path.queue.isCancelRequested(lease);
        const error: JobError = { reason: 'canceled', detail: 'c' };
        await path.queue.complete(lease, isCancelRequested ? { type: 'canceled', error } : drawn);
      };
      const leaseAndEnd = async (): Promise<void> => {
        for (const lease of (await path.queue.lease(1, null)).leases) await end(lease);
      };
      const races: ((id: string) => Promise<unknown>)[] = [
        (id) => Promise.all([cancel(id), leaseAndEnd()]),
        (id) => Promise.all([leaseAndEnd(), cancel(id)]),
        async (id) => {
          const lease = await leaseOne();
          await Promise.all([cancel(id), path.queue.complete(lease, drawn)]);
        },
        async (id) => {
          const lease = await leaseOne();
          await Promise.all([path.queue.complete(lease, drawn), cancel(id)]);
        },
        async (id) => {
          const lease = await leaseOne();
          await Promise.all([path.queue.retry(lease, outOfMemory, 0), cancel(id)]);
        },
        async (id) => {
          const lease = await leaseOne();
          await Promise.all([cancel(id), path.queue.retry(lease, outOfMemory, 0)]);
        },
      ];
      const ends = { succeeded: 0, canceled: 0 };
      for (let round = 0; round < 72; round += 1) {
        const { id } = await accept();
        await races[round % races.length]?.(id);
        const { state } = await path.store.get('tenant-a', id);
        if (state !== 'succeeded' && state !== 'canceled') throw new Error(`the job is ${state}`);
        ends[state] += 1;
        const finals = (await eventTypes(id)).filter((type) => ['succeeded', 'canceled', 'failed'].includes(type));
        expect(finals).toEqual([state]);
      }
      expect(ends.succeeded).toBeGreaterThan(0);
      expect(ends.canceled).toBeGreaterThan(0);
      expect(await path.queue.lease(5, null)).toEqual({ leases: [], isQueueEmpty: true });
    }, 20_000);

    it('lets a cancelled run that died end as cancelled, not run again', async () => {
      const { id } = await accept();
      await leaseOne();
      await path.store.requestCancel('tenant-a', id);
      await lapseLeases();
      await path.recovery.sweep();
      expect(await path.store.get('tenant-a', id)).toMatchObject({ state: 'canceled', attempt: 1 });
      expect((await path.queue.lease(1, null)).leases).toEqual([]);
    });

    it('finds what is overdue while it waits, and leaves live leases alone', async () => {
      const waiting = await accept({ deadline: new Date(Date.now() + 200) });
      const later = await accept({ tenant: 'tenant-b', deadline: new Date(Date.now() + 60_000) });
      const running = await accept({ tenant: 'tenant-c' });
      await backend.database.query('UPDATE illustration_queue.job SET priority = 100 WHERE id = $1::uuid', [
        running.id,
      ]);
      expect((await leaseOne()).job.id).toBe(running.id);
      await expect
        .poll(async () => {
          await path.recovery.sweep();
          return (await path.store.get('tenant-a', waiting.id)).state;
        })
        .toBe('expired');
      expect((await path.store.get('tenant-b', later.id)).state).toBe('queued');
      expect((await path.store.get('tenant-c', running.id)).state).toBe('running');
    });

    it('ends as exhausted a job whose last run died, and mends what only the queue knows', async () => {
      const { id } = await accept();
      for (let attempt = 1; attempt <= 3; attempt += 1) {
        await leaseOne();
        // As pg-boss's own supervisor does it, without the job's row.
        await backend.database.query(
          `UPDATE illustration_queue.job SET state = $1::text::illustration_queue.job_state`,
          [attempt === 3 ? 'failed' : 'retry'],
        );
        await path.recovery.sweep();
      }
      expect(await path.store.get('tenant-a', id)).toMatchObject({
        state: 'failed',
        attempt: 3,
        error: { reason: 'attempts-exhausted', lastFailure: { reason: 'worker-unavailable' } },
      });

      const taken = await accept();
      await leaseOne();
      await backend.database.query('DELETE FROM illustration_queue.job WHERE id = $1::uuid', [taken.id]);
      await path.recovery.sweep();
      expect(await path.store.get('tenant-a', taken.id)).toMatchObject({
        state: 'failed',
        error: { reason: 'internal' },
      });
    });

    it('charges a job for the death of its instance only when it was being drawn', async () => {
      const { id } = await accept();
      for (let death = 1; death <= 4; death += 1) {
        await leaseOne();
        await lapseLeases();
        await path.recovery.sweep();
      }
      expect(await path.store.get('tenant-a', id)).toMatchObject({ state: 'queued', attempt: 4 });
      for (let death = 1; death <= 3; death += 1) {
        await path.queue.progress(await leaseOne(), { step: 0, total: 20, image: 1, images: 1 });
        await lapseLeases();
        await path.recovery.sweep();
      }
      expect(await path.store.get('tenant-a', id)).toMatchObject({
        state: 'failed',
        attempt: 7,
        error: { reason: 'attempts-exhausted', lastFailure: { reason: 'worker-unavailable' } },
      });
    });

    it('does not try for ever a job that kills its instance before it is begun', async () => {
      const { id } = await accept();
      let deaths = 0;
      for (; (await path.store.get('tenant-a', id)).state === 'queued'; deaths += 1) {
        await leaseOne();
        await lapseLeases();
        await path.recovery.sweep();
      }
      expect(await path.store.get('tenant-a', id)).toMatchObject({ state: 'failed' });
      expect(deaths).toBe(13);
    });

    it('forgets jobs that ended long ago, with their events, and no others', async () => {
      const [old, recent, waiting] = [await accept(), await accept(), await accept()];
      for (let ended = 0; ended < 2; ended += 1) await path.queue.complete(await leaseOne(), drawn);
      await backend.database.query(
        `UPDATE illustration.jobs SET finished_at = finished_at - interval '2 days' WHERE id = $1::uuid`,
        [old.id],
      );
      await path.recovery.tidy(0);
      expect((await path.store.get('tenant-a', old.id)).state).toBe('succeeded');
      await path.recovery.tidy(86_400_000);
      await expect(path.store.get('tenant-a', old.id)).rejects.toMatchObject({ reason: 'not-found' });
      expect(await eventTypes(old.id)).toEqual([]);
      expect((await path.store.get('tenant-a', recent.id)).state).toBe('succeeded');
      expect((await path.store.get('tenant-a', waiting.id)).state).toBe('queued');
    });

    it('takes back at once every run of a dead owner', async () => {
      const { id } = await accept();
      await leaseOne();
      expect(await path.recovery.reclaimAll()).toBe(1);
      expect((await leaseOne()).job).toMatchObject({ id, attempt: 2 });
    });

    it('leaves the queue undisturbed', () => {
      expect(path.troubles).toEqual([]);
    });
  });
}
