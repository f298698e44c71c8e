// Quotas of tenants, on both databases: exact however many ask at once, at however many gateways.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { aJob, backends, JobPath, type StartedBackend } from '../../../../test/support/job-path.js';
import type { Quotas } from './domain/quotas.js';
import { newJobId } from './new-job.js';
import { QuotaExceededError } from './quota-check.js';

// A machine that is busy with other things must not fail these.
vi.setConfig({ testTimeout: 20_000 });

for (const { name, isAvailable, start } of backends) {
  describe.skipIf(!isAvailable)(`quotas on ${name}`, () => {
    let backend: StartedBackend;
    let paths: JobPath[];
    /** Of this test alone: a gateway remembers whom it has refused. */
    let acme: string;

    beforeAll(async () => {
      backend = await start();
      const second = await backend.openAnother?.();
      // The embedded database has one owner: two stores of one process stand for two gateways there.
      const databases = [backend.database, second ?? backend.database];
      paths = await Promise.all(databases.map((database) => JobPath.start(database)));
    }, 60_000);
    beforeEach(() => {
      acme = `acme-${newJobId()}`;
    });
    afterEach(async () => {
      await paths[0]?.clear();
      await backend.database.query('TRUNCATE illustration.request_rates, illustration.gpu_usage');
    });
    afterAll(async () => {
      await Promise.all(paths.map((path) => path.stop()));
      await backend.stop();
    });

    /** As many at once as are asked for, by turns at both gateways. */
    async function ask(count: number, quotas: Quotas, tenant = acme) {
      const outcomes = await Promise.allSettled(
        Array.from({ length: count }, async (_, at) => {
          await paths[at % paths.length]?.store.accept(aJob({ tenant, quotas }));
        }),
      );
      const refusals = outcomes
        .filter((one) => one.status === 'rejected')
        .map(({ reason }: { reason: unknown }) => {
          if (!(reason instanceof QuotaExceededError)) throw reason;
          return reason;
        });
      return { accepted: count - refusals.length, refusals };
    }

    it('lets a minute of requests through at once, and no more', async () => {
      const { accepted, refusals } = await ask(30, { requestsPerMinute: 10 });
      expect(accepted).toBe(10);
      for (const { reason, options, standings } of refusals) {
        expect(reason).toBe('quota-exceeded');
        // One comes back every six seconds.
        expect(options.retryAfterSeconds).toBeGreaterThan(0);
        expect(options.retryAfterSeconds).toBeLessThanOrEqual(6);
        expect(standings).toMatchObject([{ name: 'requests', limit: 10, remaining: 0, windowSeconds: 60 }]);
      }
    });

    it('gives a request back when its time has come', async () => {
      await ask(10, { requestsPerMinute: 10 });
      expect((await ask(1, { requestsPerMinute: 10 })).accepted).toBe(0);
      await backend.database.query(
        `UPDATE illustration.request_rates SET paid_until = paid_until - interval '13 seconds'`,
      );
      // A gateway that remembers its refusal asks the database again when the time it told is over; a fresh one at once.
      const fresh = await JobPath.start(backend.database);
      const again = await Promise.allSettled(
        Array.from({ length: 4 }, () => fresh.store.accept(aJob({ tenant: acme, quotas: { requestsPerMinute: 10 } }))),
      );
      await fresh.stop();
      expect(again.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
    });

    it('counts what is left', async () => {
      const accepted = await paths[0]?.store.accept(
        aJob({ tenant: acme, quotas: { requestsPerMinute: 6, concurrentJobs: 4 } }),
      );
      expect(accepted?.standings).toEqual([
        { name: 'requests', limit: 6, remaining: 5, windowSeconds: 60, resetSeconds: 10 },
        { name: 'jobs', limit: 4, remaining: 3 },
      ]);
    });

    it('never lets two take the last place', async () => {
      expect((await ask(24, { concurrentJobs: 3 })).accepted).toBe(3);
      const [job] = (await paths[0]?.store.list(acme, { pageSize: 1 }))?.jobs ?? [];
      await paths[1]?.store.requestCancel(acme, job?.id ?? '');
      const { accepted, refusals } = await ask(8, { concurrentJobs: 3 });
      expect(accepted).toBe(1);
      expect(refusals[0]).toMatchObject({ quota: 'jobs', options: { retryAfterSeconds: 5 } });
    });

    it('refuses when the GPU seconds of the day are used up, until midnight', async () => {
      const useUp = async (seconds: number): Promise<void> => {
        const job = (await paths[0]?.store.accept(aJob({ tenant: acme })))?.job;
        const lease = (await paths[0]?.queue.lease(1, null))?.leases[0];
        expect(lease?.job.id).toBe(job?.id);
        if (lease === undefined) return;
        await paths[0]?.queue.complete(lease, { type: 'succeeded', result: {}, receipt: { gpu_seconds: seconds } });
      };
      await useUp(6.5);
      const first = await paths[0]?.store.accept(aJob({ tenant: acme, quotas: { gpuSecondsPerDay: 13 } }));
      expect(first?.standings).toMatchObject([{ name: 'gpu-seconds', limit: 13, remaining: 6, windowSeconds: 86_400 }]);
      await paths[0]?.store.requestCancel(acme, first?.job.id ?? '');
      await useUp(6.5);
      const { accepted, refusals } = await ask(2, { gpuSecondsPerDay: 13 });
      expect(accepted).toBe(0);
      const midnight = 86_400 - ((Date.now() / 1000) % 86_400);
      expect(Math.abs((refusals[0]?.options.retryAfterSeconds ?? 0) - midnight)).toBeLessThan(60);
      expect((await ask(1, { gpuSecondsPerDay: 13 }, 'other')).accepted).toBe(1);
    });

    it('counts nothing for a request that is refused otherwise, or that is a job already', async () => {
      const quotas = { requestsPerMinute: 2 };
      const claimed = { tenant: acme, quotas, idempotency: { key: 'k', requestHash: 'h' } };
      const first = await paths[0]?.store.accept(aJob(claimed));
      for (let number = 0; number < 5; number += 1) {
        const again = await paths[1]?.store.accept(aJob({ ...claimed, id: newJobId() }));
        expect(again).toMatchObject({ isReplay: true, job: { id: first?.job.id } });
      }
      const full = await JobPath.start(backend.database, { maxQueuedJobs: 1 });
      await expect(full.store.accept(aJob({ tenant: acme, quotas }))).rejects.toMatchObject({ reason: 'queue-full' });
      await full.stop();
      expect((await ask(2, quotas)).accepted).toBe(1);
    });

    it('keeps tenants apart, and asks nothing of those without', async () => {
      expect((await ask(4, { requestsPerMinute: 2 }, acme)).accepted).toBe(2);
      expect((await ask(2, { requestsPerMinute: 2 }, 'other')).accepted).toBe(2);
      const { standings } = (await paths[0]?.store.accept(aJob({ tenant: acme }))) ?? {};
      expect(standings).toBeUndefined();
    });
  });
}
