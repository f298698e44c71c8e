// Two tenants of one service: nothing of the one shows to the other, not even that it is there.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import type { IllustrationServiceClient } from '../../apps/gateway/src/generated/autobio/illustration/v1/illustration.js';
import type { Job } from '../../apps/gateway/src/generated/autobio/illustration/v1/job.js';
import { isFinal } from '../../apps/gateway/src/jobs/domain/job.js';
import type { JobView } from '../../apps/gateway/src/illustration/job-view.js';
import { aMemory, answerOf, detailsOf, failureOf, toEnd } from '../support/grpc-calls.js';
import { TenantsApp } from '../support/tenants-app.js';
import { untilTrue } from '../support/until-true.js';

// A machine that is busy with other things must not fail these.
vi.setConfig({ testTimeout: 20_000 });

const unknownId = '0197f0c0-0000-7000-8000-000000000000';

let tenants: TenantsApp<'acme' | 'other'>;
let client: IllustrationServiceClient;
let theirs: string;

beforeAll(async () => {
  const everything = ['generate', 'read', 'admin'] as const;
  tenants = await TenantsApp.start(
    { acme: { tenant: 'acme', scopes: everything }, other: { tenant: 'other', scopes: everything } },
    { RESULT_CACHE_TTL_SECONDS: '60' },
  );
  client = tenants.whole.grpcClient();
  theirs = await tenants.accept('acme', { prompt: 'a secret of acme' });
  await ended('acme', theirs);
}, 60_000);
afterAll(async () => {
  client.close();
  await tenants.stop();
});

async function jobOf(as: 'acme' | 'other', id: string): Promise<JobView> {
  return (await (await tenants.fetch(`/v1/jobs/${id}`, { as })).json()) as JobView;
}

function ended(as: 'acme' | 'other', id: string): Promise<JobView> {
  return untilTrue('the job has ended', 10_000, async () => {
    const job = await jobOf(as, id);
    return isFinal(job.state) ? job : undefined;
  });
}

describe('the job of another tenant', () => {
  it.each([
    ['GET', (id: string) => `/v1/jobs/${id}`],
    ['GET', (id: string) => `/v1/jobs/${id}/events`],
    ['POST', (id: string) => `/v1/jobs/${id}/cancel`],
  ])('looks like one that is not there: %s', async (method, pathOf) => {
    const [hidden, unknown] = await Promise.all(
      [theirs, unknownId].map(async (id) => {
        const headers = { 'x-request-id': 'the-same' };
        const response = await tenants.fetch(pathOf(id), { as: 'other', method, headers });
        const names = [...response.headers.keys()].filter((name) => name !== 'date');
        return { status: response.status, names, body: (await response.text()).replaceAll(id, 'ID') };
      }),
    );
    expect(hidden?.status).toBe(404);
    expect(hidden).toEqual(unknown);
  });

  it('looks like one that is not there over gRPC', async () => {
    const metadata = tenants.metadata('other');
    for (const call of ['getJob', 'cancelJob'] as const) {
      const [hidden, unknown] = await Promise.all(
        [theirs, unknownId].map((jobId) => failureOf((done) => client[call]({ jobId }, metadata, done))),
      );
      expect(hidden && detailsOf(hidden).reason).toBe('NOT_FOUND');
      expect(hidden?.details).toBe(unknown?.details);
    }
  });

  it('is in no list of ours', async () => {
    const mine = await tenants.accept('other');
    const page = (await (await tenants.fetch('/v1/jobs', { as: 'other' })).json()) as { jobs: JobView[] };
    expect(page.jobs.map(({ job_id: id }) => id)).toEqual([mine]);
    const { jobs } = await answerOf<{ jobs: Job[] }>((done) => client.listJobs({}, tenants.metadata('other'), done));
    expect(jobs.map(({ jobId }) => jobId)).toEqual([mine]);
    await ended('other', mine);
  });

  it('has a picture that is not served to us', async () => {
    const [picture] = (await jobOf('acme', theirs)).data ?? [];
    const { pathname } = new URL(picture?.url ?? '');
    expect((await tenants.fetch(pathname, { as: 'acme' })).status).toBe(200);
    const refused = await tenants.fetch(pathname, { as: 'other' });
    expect(refused.status).toBe(404);
    expect(await refused.json()).toMatchObject({ error: 'not-found', detail: 'There is no such image.' });
  });
});

describe('an idempotency key', () => {
  it('is one for each tenant', async () => {
    const headers = { 'idempotency-key': 'the-same-key' };
    const [mine, again, other] = [
      await tenants.accept('acme', {}, headers),
      await tenants.accept('acme', {}, { ...headers, prefer: 'respond-async, wait=0' }).catch(() => undefined),
      await tenants.accept('other', { prompt: 'something else' }, headers),
    ];
    expect(other).not.toBe(mine);
    expect([undefined, mine]).toContain(again);
    await ended('acme', mine);
    await ended('other', other);
  });

  it('is one over gRPC too', async () => {
    const call = (as: 'acme' | 'other') =>
      toEnd(client.illustrate(aMemory({ requestId: 'key-2' }), tenants.metadata(as)));
    const [mine, again, other] = [await call('acme'), await call('acme'), await call('other')];
    expect(again.ended?.jobId).toBe(mine.ended?.jobId);
    expect(other.ended?.jobId).not.toBe(mine.ended?.jobId);
  });
});

describe('erasing a user', () => {
  it('removes jobs, pictures, texts and keys of one tenant, and tells how many', async () => {
    const fields = { user_id: 'ada', prompt: 'the words to forget', seed: 7 };
    const [first, second, kept] = [
      await tenants.accept('acme', { ...fields, n: 2 }, { 'idempotency-key': 'erase-me' }),
      await tenants.accept('acme', fields),
      await tenants.accept('other', fields),
    ];
    const pictures = (await Promise.all([first, second].map((id) => ended('acme', id)))).flatMap(
      ({ data = [] }) => data,
    );
    await ended('other', kept);
    const before = ((await (await tenants.fetch('/v1/jobs', { as: 'acme' })).json()) as { jobs: JobView[] }).jobs;

    const reply = await tenants.fetch('/v1/users/ada/data', { as: 'acme', method: 'DELETE' });
    expect(reply.status).toBe(200);
    const erased = (await reply.json()) as Record<string, number>;
    expect(erased).toMatchObject({ jobs: before.length, cached_results: 2, pending_jobs: 0 });
    expect(erased['pictures']).toBeGreaterThanOrEqual(3);
    expect(erased['idempotency_keys']).toBeGreaterThanOrEqual(1);

    expect((await tenants.fetch(`/v1/jobs/${first}`, { as: 'acme' })).status).toBe(404);
    for (const { url } of pictures) {
      expect((await tenants.fetch(new URL(url ?? '').pathname, { as: 'acme' })).status).toBe(404);
    }
    expect((await jobOf('other', kept)).state).toBe('succeeded');
    const again = await tenants.fetch('/v1/users/ada/data', { as: 'acme', method: 'DELETE' });
    expect(await again.json()).toMatchObject({ jobs: 0, pictures: 0, idempotency_keys: 0 });
  });

  it('stops what is being drawn first', async () => {
    tenants.whole.drawings.hold();
    const job = await tenants.accept('acme', { user_id: 'ada' });
    await untilTrue('the job runs', 10_000, async () => (await jobOf('acme', job)).state === 'running');
    const erased = await answerOf<{ jobs: number; pendingJobs: number }>((done) =>
      client.eraseUserData({ userId: 'ada' }, tenants.metadata('acme'), done),
    );
    tenants.whole.drawings.release();
    // A picture may be on its way for some seconds more: it counts when it is asked again.
    expect(erased).toMatchObject({ jobs: 0, pendingJobs: 1 });
    expect((await jobOf('acme', job)).state).toBe('canceled');
  });

  it.each(['..', 'a%2Fb', '%2E%2E', 'a..b', '-a', 'x'.repeat(129)])('refuses the user %s', async (user) => {
    const reply = await tenants.fetch(`/v1/users/${user}/data`, { as: 'acme', method: 'DELETE' });
    expect([404, 422]).toContain(reply.status);
    expect(reply.headers.get('content-type')).toBe('application/problem+json');
  });
});
