import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { aJob, backends, JobPath, type StartedBackend } from '../../../../test/support/job-path.js';
import { hashRequest } from './idempotency.js';

// Accepting jobs, on both databases: what is acknowledged is there, once.
describe.each(backends)('the job store on $name', ({ isAvailable, start }) => {
  describe.skipIf(!isAvailable)('with the database', () => {
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

    it('accepts a job, whole', async () => {
      const request = aJob({ seed: 4_294_967_295, images: 2, totalSteps: 40, deadline: new Date(Date.now() + 60_000) });

      const { job, isReplay } = await path.store.accept(request);

      expect(isReplay).toBe(false);
      expect(job).toMatchObject({ ...request, state: 'queued', attempt: 0, lastSeq: 1, error: null, result: null });
      expect(await path.store.get('tenant-a', job.id)).toEqual(job);
    });
  });
});
