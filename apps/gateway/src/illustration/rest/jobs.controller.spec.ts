// Looking at jobs over REST, on the whole gateway.
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { WholeApp } from '../../../../../test/support/whole-app.js';
import { SseReader } from '../../../../../test/support/sse-reader.js';
import { newJobId } from '../../jobs/new-job.js';

let whole: WholeApp;

beforeAll(async () => {
  whole = await WholeApp.start();
}, 30_000);
afterAll(() => whole.stop());

const client = () => request(whole.server);

/** A job that has ended. */
async function endedJob(fields: object = {}): Promise<string> {
  const id = await whole.accept(fields);
  await (
    await SseReader.open(`${whole.url}/v1/jobs/${id}/events`)
  ).ended;
  return id;
}

describe('GET /v1/jobs/{id}', () => {
  it('tells a finished job: where its picture is, how it was drawn', async () => {
    const id = await endedJob({ seed: 7 });
    const { status, body } = await client().get(`/v1/jobs/${id}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      job_id: id,
      kind: 'memory',
      state: 'succeeded',
      attempt: 1,
      cancel_requested: false,
      data: [{ s3_uri: `s3://local/generated/ada/memory_${id}.png`, seed: 7, width: 64, height: 64 }],
      receipt: { seed: 7 },
    });
    expect(body).not.toHaveProperty('progress');
    expect(JSON.stringify(body)).not.toContain('the lake');
    const picture = await fetch(body.data[0].url);
    expect(picture.status).toBe(200);
  });

  it('tells why a job failed as a problem would', async () => {
    const id = await endedJob({ user_id: 'nobody' });
    const { body } = await client().get(`/v1/jobs/${id}`);
    expect(body).toMatchObject({
      state: 'failed',
      error: {
        error: 'avatar-not-found',
        title: 'The reference image does not exist',
        status: 422,
        detail: 'There is no reference image under the key avatars/nobody.png.',
        retryable: false,
      },
    });
    expect(body).not.toHaveProperty('data');
  });

  it('does not tell an unknown job from another tenant’s, or from no id at all', async () => {
    const other = newJobId();
    await whole.jobs.accept({
      id: other,
      tenant: 'somebody-else',
      kind: 'memory',
      request: {},
      seed: 1,
      images: 1,
      totalSteps: 1,
      resultKeys: ['generated/x/memory_x.png'],
      requestId: 'r',
      traceparent: null,
      deadline: null,
    });
    const bodies = [];
    for (const id of [other, newJobId(), 'no-id', '%2e%2e', "'--"]) {
      const { status, body, headers } = await client().get(`/v1/jobs/${id}`);
      expect(status).toBe(404);
      expect(headers['content-type']).toBe('application/problem+json');
      const { instance: _, request_id: __, ...rest } = body;
      bodies.push(rest);
      expect((await client().post(`/v1/jobs/${id}/cancel`)).status).toBe(404);
      const events = await client().get(`/v1/jobs/${id}/events`);
      expect(events.status).toBe(404);
      expect(events.headers['content-type']).toBe('application/problem+json');
    }
    expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(1);
    expect(bodies[0]).toMatchObject({ error: 'not-found', detail: 'There is no such job.' });
  });
});

describe('GET /v1/jobs', () => {
  it('pages through all jobs, newest first, each once', async () => {
    const ids = [await endedJob(), await endedJob(), await endedJob()];
    const seen: string[] = [];
    let token = '';
    do {
      const { status, body } = await client().get('/v1/jobs').query({ page_size: 2, page_token: token });
      expect(status).toBe(200);
      expect(body.jobs.length).toBeLessThanOrEqual(2);
      seen.push(...body.jobs.map(({ job_id }: { job_id: string }) => job_id));
      token = body.next_page_token;
    } while (token !== '');
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.slice(0, 3)).toEqual(ids.toReversed());
  });

  it('lists jobs of one state', async () => {
    const failed = await endedJob({ user_id: 'nobody' });
    const { body } = await client().get('/v1/jobs').query({ state: 'failed', page_size: 100 });
    expect(body.jobs[0].job_id).toBe(failed);
    expect(new Set(body.jobs.map(({ state }: { state: string }) => state))).toEqual(new Set(['failed']));
  });

  it.each([
    ['page_size=0', 'query:page_size'],
    ['page_size=101', 'query:page_size'],
    ['page_size=1e1', 'query:page_size'],
    ['page_size=', 'query:page_size'],
    ['page_size=1&page_size=2', 'query:page_size'],
    ['state=done', 'query:state'],
    ['state=', 'query:state'],
    ['state[]=failed', 'query:state[]'],
    ['tenant=x', 'query:tenant'],
    ['page_token=a&page_token=b', 'query:page_token'],
    ['constructor=x', 'query:constructor'],
  ])('refuses ?%s', async (query, pointer) => {
    const { status, body } = await client().get(`/v1/jobs?${query}`);
    expect(status).toBe(422);
    expect(body).toMatchObject({ error: 'validation-failed', errors: [{ pointer }] });
  });

  it.each(['x', 'bm90LWEtam9i', '%00', 'a'.repeat(2000)])('cannot read the token %s', async (token) => {
    const { status, body } = await client().get(`/v1/jobs?page_token=${token}`);
    expect(status).toBe(400);
    expect(body).toMatchObject({ error: 'malformed-request' });
  });
});

describe('POST /v1/jobs/{id}/cancel', () => {
  it('stops a running job; again does no harm', async () => {
    whole.drawings.hold();
    const id = await whole.accept();
    const reader = await SseReader.open(`${whole.url}/v1/jobs/${id}/events`);
    await reader.until('started');
    const { status, body } = await client().post(`/v1/jobs/${id}/cancel`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ job_id: id, cancel_requested: true });
    await reader.ended;
    whole.drawings.release();
    const again = await client().post(`/v1/jobs/${id}/cancel`);
    expect(again.status).toBe(200);
    expect(again.body).toMatchObject({ state: 'canceled', error: { error: 'canceled' } });
    expect(reader.facts.at(-1)).toMatchObject({ event: 'canceled', data: { job_id: id, state: 'canceled' } });
  });

  it('is too late for a job that has ended otherwise', async () => {
    const id = await endedJob();
    const { status, body } = await client().post(`/v1/jobs/${id}/cancel`);
    expect(status).toBe(409);
    expect(body).toMatchObject({ error: 'job-not-cancelable', instance: `/v1/jobs/${id}/cancel` });
  });
});

it('describes the pages of jobs', async () => {
  const { body } = await client().get('/openapi.json');
  expect(Object.keys(body.paths)).toEqual(
    expect.arrayContaining(['/v1/jobs', '/v1/jobs/{id}', '/v1/jobs/{id}/cancel', '/v1/jobs/{id}/events']),
  );
  const { body: job } = await client().get(`/v1/jobs/${await endedJob()}`);
  const { properties, required } = body.components.schemas.Job;
  expect(Object.keys(properties)).toEqual(expect.arrayContaining(Object.keys(job)));
  expect(Object.keys(job)).toEqual(expect.arrayContaining(required));
});
