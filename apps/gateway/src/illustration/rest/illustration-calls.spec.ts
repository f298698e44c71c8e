import { request as httpRequest } from 'node:http';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import request, { type Response } from 'supertest';

import { GatewayApp } from '../../../../../test/support/gateway-app.js';
import { DomainError } from '../../errors/domain-error.js';

// How callers may be answered, on the whole gateway: later, within a time, by events, once for many calls, or not at all.

const lake = { user_id: 'ada', prompt: 'the lake' };
let gateway: GatewayApp;

async function post(kind: 'memory' | 'subject', body: object, headers: Record<string, string> = {}): Promise<Response> {
  return gateway.post(kind, body, headers);
}

/** A call whose caller hangs up once the drawing has begun. Resolves with the job when that has been noticed. */
async function hangUp(headers: Record<string, string>): Promise<string> {
  const { port } = new URL(gateway.url);
  const call = httpRequest({
    port,
    host: '127.0.0.1',
    method: 'POST',
    path: '/v1/images/memory',
    headers: { 'Content-Type': 'application/json', ...headers },
  });
  const hungUp = new Promise((resolve) => call.on('error', () => undefined).once('close', resolve));
  call.end(JSON.stringify(lake));
  await expect.poll(() => gateway.fake.tasks.length, { interval: 5 }).toBe(1);
  call.destroy();
  await hungUp;
  return (await gateway.latestJob()).id;
}

async function stateOf(jobId: string): Promise<string> {
  return (await gateway.jobs.get('default', jobId)).state;
}

beforeAll(async () => {
  gateway = await GatewayApp.start({ REQUEST_TIMEOUT_SECONDS: '1', JOB_MAX_ATTEMPTS: '1' });
  await gateway.objects.put('avatars/ada.png', Buffer.from('avatar'), 'image/png');
}, 60_000);
beforeEach(() => gateway.fake.reset());
afterEach(() => vi.restoreAllMocks());
afterEach(() => gateway.cancelAll());
afterAll(() => gateway.stop());

describe('a caller that cannot wait', () => {
  it('gets the job at once with respond-async, and the pictures later', async () => {
    const reply = await post('memory', lake, { Prefer: 'respond-async' });
    expect(reply.status).toBe(202);
    const { job_id: jobId } = reply.body;
    expect(reply.body).toMatchObject({
      kind: 'memory',
      state: expect.stringMatching(/queued|running/),
      attempt: expect.any(Number),
    });
    expect(reply.headers).toMatchObject({
      location: `/v1/jobs/${jobId}`,
      'preference-applied': 'respond-async',
      'retry-after': expect.stringMatching(/^[1-9]\d*$/),
    });
    await expect.poll(() => stateOf(jobId)).toBe('succeeded');
    const job = await request(gateway.url).get(`/v1/jobs/${jobId}`);
    expect(job.body).toMatchObject({ state: 'succeeded', data: [{ s3_uri: expect.any(String) }] });
  });

  it('is taken on although nothing can be drawn yet', async () => {
    const error = new DomainError('starting', 'The model is still loading.');
    gateway.fake.availability = { isReady: false, error };
    const reply = await post('memory', lake, { Prefer: 'respond-async' });
    expect(reply.status).toBe(202);
    expect(reply.body).toMatchObject({ state: 'queued' });
    gateway.fake.availability = { isReady: true };
    await expect.poll(() => stateOf(reply.body.job_id), { timeout: 5000 }).toBe('succeeded');
  });

  it('gets the pictures if they are ready in time', async () => {
    const reply = await post('memory', lake, { Prefer: 'wait=20' });
    expect(reply.status).toBe(200);
    expect(reply.headers['preference-applied']).toBe('wait=20');
    expect(reply.body).toMatchObject({ data: [{ s3_uri: expect.any(String) }] });
  });

  it.each(['wait=1', 'wait=0', 'respond-async, wait=1'])(
    'gets the job when %s is over, which goes on',
    async (prefer) => {
      gateway.fake.isHeld = true;
      const reply = await post('memory', lake, { Prefer: prefer });
      expect(reply.status).toBe(202);
      expect(reply.headers['preference-applied']).toBe(prefer);
      expect(reply.headers['location']).toBe(`/v1/jobs/${reply.body.job_id}`);
      expect(gateway.fake.failures).toEqual([]);
    },
  );

  it('sees what happens with Accept: text/event-stream', async () => {
    const reply = await post('memory', lake, { Accept: 'text/event-stream' });
    expect(reply.status).toBe(200);
    expect(reply.headers['content-type']).toContain('text/event-stream');
    const events = [...reply.text.matchAll(/^event: (.+)$/gm)].map(([, type]) => type);
    expect(events[0]).toBe('queued');
    expect(events.at(-1)).toBe('succeeded');
    expect(reply.text).toContain('"s3_uri"');
  });

  it('gets a problem, and no stream, for a request that is wrong', async () => {
    const reply = await post('memory', { user_id: 'ada' }, { Accept: 'text/event-stream' });
    expect(reply.status).toBe(422);
    expect(reply.headers['content-type']).toContain('application/problem+json');
  });
});

describe('a drawing that takes too long', () => {
  it('is 504 with the job, and is given up', async () => {
    gateway.fake.isHeld = true;
    const reply = await post('memory', lake);
    expect(reply.status).toBe(504);
    expect(reply.body).toMatchObject({ error: 'deadline-exceeded', retryable: true });
    const jobId = String(reply.headers['location']).replace('/v1/jobs/', '');
    await expect.poll(() => stateOf(jobId)).toMatch(/canceled|expired/);
    await expect.poll(() => gateway.fake.failures.length).toBe(1);
  });

  it('goes on for a caller with a key, who finds it by the key', async () => {
    gateway.fake.isHeld = true;
    const reply = await post('memory', lake, { 'Idempotency-Key': 'patient' });
    expect(reply.status).toBe(504);
    const jobId = String(reply.headers['location']).replace('/v1/jobs/', '');
    expect(await stateOf(jobId)).toBe('running');
    expect(gateway.fake.failures).toEqual([]);
    const again = await post('memory', lake, { 'Idempotency-Key': 'patient', Prefer: 'respond-async' });
    expect(again.body).toMatchObject({ job_id: jobId });
    expect(again.headers['idempotency-replayed']).toBe('true');
  });

  it('expires at the deadline that the caller gave', async () => {
    gateway.fake.isHeld = true;
    const reply = await post('memory', lake, { Prefer: 'respond-async', 'X-Deadline-Seconds': '1' });
    await expect.poll(() => stateOf(reply.body.job_id), { timeout: 5000 }).toBe('expired');
    const job = await gateway.jobs.get('default', reply.body.job_id);
    expect(job.error).toMatchObject({ reason: 'deadline-exceeded' });
  });

  it.each(['0', '86401', '-1', '1.5', 'soon', ''])('refuses the deadline %j', async (deadline) => {
    const reply = await post('memory', lake, { 'X-Deadline-Seconds': deadline });
    expect(reply.status).toBe(400);
    expect(reply.body).toMatchObject({ error: 'malformed-request' });
    expect(gateway.fake.tasks).toEqual([]);
  });
});

describe('a job that fails', () => {
  it.each([
    ['storage-unavailable', 503, 'storage-unavailable'],
    ['avatar-forbidden', 502, 'avatar-forbidden'],
    // Perhaps it is this request that ends the worker each time: nobody should be asked to send it again.
    ['worker-unavailable', 500, 'attempts-exhausted'],
  ] as const)('with %s is answered with %i %s and the job', async (reason, status, told) => {
    vi.spyOn(gateway.objects, 'get').mockRejectedValue(new DomainError(reason, 'Why it failed.'));
    const reply = await post('memory', lake);
    expect(reply.status).toBe(status);
    expect(reply.body).toMatchObject({ error: told });
    expect(reply.headers['retry-after']).toBe(status === 503 ? '5' : undefined);
    expect(reply.headers['location']).toBe(`/v1/jobs/${(await gateway.latestJob()).id}`);
  });

  it('because somebody cancelled it is 409', async () => {
    gateway.fake.isHeld = true;
    const sent = post('memory', lake);
    await expect.poll(() => gateway.fake.tasks.length, { interval: 5 }).toBe(1);
    await gateway.cancelAll();
    expect((await sent).status).toBe(409);
    expect((await sent).body).toMatchObject({ error: 'canceled' });
  });
});

describe('an idempotency key', () => {
  it('makes repeated requests one job', async () => {
    const first = await post('memory', lake, { 'Idempotency-Key': '"once"' });
    expect(first.headers['idempotency-replayed']).toBeUndefined();
    const again = await post('memory', { ...lake, seed: null }, { 'Idempotency-Key': 'once' });
    expect(again.status).toBe(200);
    expect(again.text).toBe(first.text);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(gateway.fake.tasks).toHaveLength(1);
  });

  it('makes 50 requests at once one job', async () => {
    const calls = Array.from({ length: 50 }, () => post('memory', lake, { 'Idempotency-Key': 'storm' }));
    const replies = await Promise.all(calls);
    expect(new Set(replies.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(replies.filter(({ headers }) => headers['idempotency-replayed'] === undefined)).toHaveLength(1);
    expect(gateway.fake.tasks).toHaveLength(1);
  });

  it('belongs to one request', async () => {
    await post('memory', lake, { 'Idempotency-Key': 'mine' });
    const other = await post('memory', { ...lake, prompt: 'the sea' }, { 'Idempotency-Key': 'mine' });
    expect(other.status).toBe(422);
    expect(other.body).toMatchObject({ error: 'idempotency-key-reused' });
  });

  it('remembers a failure too', async () => {
    const send = () => post('memory', { ...lake, user_id: 'nobody' }, { 'Idempotency-Key': 'failure' });
    const [first, again] = [await send(), await send()];
    expect(first.status).toBe(422);
    expect(again.body).toMatchObject({ error: 'avatar-not-found', detail: first.body.detail });
    expect(again.headers['idempotency-replayed']).toBe('true');
  });

  it.each(['a b', '"', 'x'.repeat(256)])('is refused as %j', async (key) => {
    const reply = await post('memory', lake, { 'Idempotency-Key': key });
    expect(reply.status).toBe(400);
    expect(reply.body).toMatchObject({ error: 'idempotency-key-invalid' });
  });
});

describe('a caller that hangs up', () => {
  it('stops the work', async () => {
    gateway.fake.isHeld = true;
    const jobId = await hangUp({});
    await expect.poll(() => gateway.fake.failures).toMatchObject([{ reason: 'canceled' }]);
    await expect.poll(() => stateOf(jobId)).toBe('canceled');
    expect(gateway.results().filter((name) => name.includes(jobId))).toEqual([]);
  });

  it.each<[string, Record<string, string>]>([
    ['has a key to come back with', { 'Idempotency-Key': 'back-soon' }],
    ['watches events', { Accept: 'text/event-stream' }],
  ])('leaves the work alone if it %s', async (_, headers) => {
    gateway.fake.isHeld = true;
    const jobId = await hangUp(headers);
    // The gateway has noticed once it has told the access log; a call that is answered after it shows that.
    await gateway.untilNoCallIsOpen();
    expect(await stateOf(jobId)).toBe('running');
    expect((await gateway.jobs.get('default', jobId)).isCancelRequested).toBe(false);
  });
});
