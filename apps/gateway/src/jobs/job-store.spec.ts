import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { aJob, backends, JobPath, type StartedBackend } from '../../../../test/support/job-path.js';
import type { Job } from './domain/job.js';
import { hashRequest } from './idempotency.js';
import { newJobId } from './new-job.js';

const withKey = (requestHash = 'hash', key = 'key'): { idempotency: { key: string; requestHash: string } } => ({
  idempotency: { key, requestHash },
});

// Accepting, listing and cancelling jobs, on both databases: what is acknowledged is there, once.
for (const { name, isAvailable, start } of backends) {
  describe.skipIf(!isAvailable)(`the job store on ${name}`, () => {
    let backend: StartedBackend;
    let path: JobPath;

    beforeAll(async () => {
      backend = await start();
      path = await JobPath.start(backend.database, { maxQueuedJobs: 20 });
    }, 60_000);
    afterEach(() => path.clear());
    afterAll(async () => {
      await path.stop();
      await backend.stop();
    });

    const accept = async (fields?: Parameters<typeof aJob>[0]): Promise<Job> =>
      (await path.store.accept(aJob(fields))).job;
    const count = async (table: string): Promise<number | undefined> => {
      const [row] = await backend.database.query<{ rows: number }>(`SELECT count(*)::int AS rows FROM ${table}`);
      return row?.rows;
    };

    it('accepts a job, whole', async () => {
      const request = aJob({ seed: 4_294_967_295, images: 2, totalSteps: 40, deadline: new Date(Date.now() + 60_000) });
      const { job, isReplay } = await path.store.accept(request);

      expect(isReplay).toBe(false);
      expect(job).toMatchObject({ ...request, state: 'queued', attempt: 0, lastSeq: 1, error: null, result: null });
      expect(await path.store.get('tenant-a', job.id)).toEqual(job);
      expect(await count('illustration_queue.job')).toBe(1);
      expect(await count('illustration.job_events')).toBe(1);
    });

    it('leaves nothing of a job that could not be accepted', async () => {
      const { id } = await accept();
      // The queue refuses a second entry with the id, as the last step of accepting.
      await backend.database.query('DELETE FROM illustration.jobs');
      await backend.database.query('DELETE FROM illustration.tenants');

      await expect(path.store.accept(aJob({ id, ...withKey() }))).rejects.toThrow(/holds an entry/);

      const tables = ['jobs', 'job_events', 'idempotency_keys', 'tenants'].map((table) => `illustration.${table}`);
      expect(await Promise.all(tables.map(count))).toEqual([0, 0, 0, 0]);
    });

    it('gives the same job for the same key and request', async () => {
      const first = await path.store.accept(aJob(withKey()));
      const again = await path.store.accept(aJob(withKey()));
      expect(again).toEqual({ job: first.job, isReplay: true });
      expect(await count('illustration.jobs')).toBe(1);
    });

    it('refuses the key for another request', async () => {
      await accept(withKey(hashRequest({ prompt: 'one' })));
      await expect(accept(withKey(hashRequest({ prompt: 'two' })))).rejects.toMatchObject({
        reason: 'idempotency-key-reused',
      });
      expect(await count('illustration_queue.job')).toBe(1);
    });

    it('keeps keys of different tenants apart, and forgets a key after its time', async () => {
      const mine = await accept(withKey());
      const theirs = await accept({ tenant: 'tenant-b', ...withKey('other') });
      expect(theirs.id).not.toBe(mine.id);
      await backend.database.query(`UPDATE illustration.idempotency_keys SET expires_at = clock_timestamp()`);
      const { job, isReplay } = await path.store.accept(aJob(withKey('other')));
      expect(isReplay).toBe(false);
      expect(job.id).not.toBe(mine.id);
    });

    it('makes one job of 200 duplicates sent at once', async () => {
      const replies = await Promise.all(Array.from({ length: 200 }, () => path.store.accept(aJob(withKey()))));
      expect(new Set(replies.map(({ job }) => job.id)).size).toBe(1);
      expect(replies.filter(({ isReplay }) => !isReplay)).toHaveLength(1);
      expect(await count('illustration.jobs')).toBe(1);
      expect(await count('illustration_queue.job')).toBe(1);
      expect(await count('illustration.job_events')).toBe(1);
    });

    it('makes one job of duplicates that come to several gateways at once, and of none that is another request', async () => {
      const gateways = await Promise.all([1, 2, 3, 4].map(() => JobPath.start(backend.database)));
      const replies = await Promise.allSettled(
        gateways.flatMap((gateway, number) => [
          ...Array.from({ length: 10 }, () => gateway.store.accept(aJob(withKey()))),
          gateway.store.accept(aJob(withKey(`another ${number}`))),
        ]),
      );
      const accepted = replies.flatMap((reply) => (reply.status === 'fulfilled' ? [reply.value] : []));
      const refused = replies.flatMap((reply) => (reply.status === 'rejected' ? [reply.reason as unknown] : []));
      expect(new Set(accepted.map(({ job }) => job.id)).size).toBe(1);
      expect(accepted.filter(({ isReplay }) => !isReplay)).toHaveLength(1);
      expect(refused).toHaveLength(4);
      for (const refusal of refused) expect(refusal).toMatchObject({ reason: 'idempotency-key-reused' });
      expect(await count('illustration.jobs')).toBe(1);
      await Promise.all(gateways.map((gateway) => gateway.stop()));
    });

    it('refuses what is beyond the limit and tells when to come back, but not a replay', async () => {
      for (let number = 0; number < 20; number += 1) await accept(number === 0 ? withKey() : {});
      await expect(accept()).rejects.toMatchObject({ reason: 'queue-full', options: { retryAfterSeconds: 10 } });
      expect((await path.store.accept(aJob(withKey()))).isReplay).toBe(true);
      expect(await count('illustration.jobs')).toBe(20);
    });

    it('computes the time to come back from the service time and the capacity', async () => {
      await path.capacity.announce(newJobId(), 2);
      await accept();
      const { leases } = await path.queue.lease(1, null);
      const [lease] = leases;
      if (lease === undefined) throw new Error('nothing was leased');
      await path.queue.complete(lease, { type: 'succeeded', result: {}, receipt: {} });
      await backend.database.query(`UPDATE illustration.jobs SET started_at = finished_at - interval '40 seconds'`);
      for (let number = 0; number < 20; number += 1) await accept();

      const refusal: unknown = await accept().catch((error: unknown) => error);

      // Nothing runs and two can: the queue falls below its limit as soon as they begin.
      expect(refusal).toMatchObject({ reason: 'queue-full', options: { retryAfterSeconds: 1 } });
      await path.queue.lease(2, null);
      await accept();
      await accept();
      // Now both run: the next place is free when the first of them ends, 40 s / 2 from now.
      await expect(accept()).rejects.toMatchObject({ options: { retryAfterSeconds: 20 } });
      const outlook = await path.capacity.outlook();
      expect(outlook).toMatchObject({ queued: 20, running: 2, capacity: 2, serviceMs: 40_000, stepMs: 2000 });
      const [newest] = (await path.store.list('tenant-a', { pageSize: 1 })).jobs;
      if (newest === undefined) throw new Error('no job is listed');
      expect(await path.capacity.placeOf(newest)).toEqual({ jobsAhead: 19, startsInMs: 400_000, endsInMs: 440_000 });
    });

    it('hides the jobs of other tenants, and what is no id', async () => {
      const { id } = await accept();
      for (const [tenant, jobId] of [
        ['tenant-b', id],
        ['tenant-a', newJobId()],
        ['tenant-a', "1'; --"],
      ] as const) {
        await expect(path.store.get(tenant, jobId)).rejects.toMatchObject({ reason: 'not-found' });
        await expect(path.store.requestCancel(tenant, jobId)).rejects.toMatchObject({ reason: 'not-found' });
      }
    });

    it('lists newest first, in pages, by state, of one tenant', async () => {
      const ids: string[] = [];
      for (let number = 0; number < 7; number += 1) ids.unshift((await accept()).id);
      await accept({ tenant: 'tenant-b' });
      const seen: string[] = [];
      let pageToken: string | undefined;
      do {
        const page = await path.store.list('tenant-a', { pageSize: 3, pageToken });
        expect(page.jobs.length).toBeLessThanOrEqual(3);
        seen.push(...page.jobs.map(({ id }) => id));
        pageToken = page.nextPageToken;
      } while (pageToken !== undefined);
      expect(seen).toEqual(ids);

      await path.store.requestCancel('tenant-a', ids[2] ?? '');
      const canceled = await path.store.list('tenant-a', { pageSize: 100, state: 'canceled' });
      expect(canceled.jobs.map(({ id }) => id)).toEqual([ids[2]]);
      await expect(path.store.list('tenant-a', { pageSize: 1, pageToken: 'abc' })).rejects.toMatchObject({
        reason: 'validation-failed',
      });
    });

    it('cancels a waiting job at once, again without effect, and never runs it', async () => {
      const { id } = await accept();
      const canceled = await path.store.requestCancel('tenant-a', id);
      expect(canceled).toMatchObject({ state: 'canceled', error: { reason: 'canceled' }, lastSeq: 2 });
      expect(await path.store.requestCancel('tenant-a', id)).toEqual(canceled);
      expect((await path.queue.lease(5, null)).leases).toEqual([]);
    });

    it('asks a running job to stop, once', async () => {
      const { id } = await accept();
      await path.queue.lease(1, null);
      const asked = await path.store.requestCancel('tenant-a', id);
      expect(asked).toMatchObject({ state: 'running', isCancelRequested: true });
      expect(await path.store.requestCancel('tenant-a', id)).toEqual(asked);
    });

    it('leaves the queue undisturbed', () => {
      expect(path.troubles).toEqual([]);
    });
  });
}
