// The gRPC face with a real client, on the whole gateway.
import { Client, credentials, Metadata, status as grpcStatus } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { eventually } from '../../../../../test/support/core-app.js';
import { aMemory, answerOf, detailsOf, failureOf, toEnd } from '../../../../../test/support/grpc-calls.js';
import { firstOf, WholeApp } from '../../../../../test/support/whole-app.js';
import { IllustrationKind, JobState, type ListJobsResponse } from '../../generated/autobio/illustration/v1/job.js';
import { type IllustrationServiceClient } from '../../generated/autobio/illustration/v1/illustration.js';
import { newJobId } from '../../jobs/new-job.js';
import { IllustrateCalls } from './illustrate-calls.js';

let whole: WholeApp;
let client: IllustrationServiceClient;

beforeAll(async () => {
  whole = await WholeApp.start();
  client = whole.grpcClient();
}, 30_000);
afterEach(() => whole.drawings.release());
afterAll(async () => {
  client.close();
  await whole.stop();
});

const calls = () => whole.app.get(IllustrateCalls, { strict: false });

describe('Illustrate', () => {
  it('tells a job from its acceptance over its steps to its picture', async () => {
    whole.drawings.hold();
    const call = client.illustrate(aMemory({ seed: 0, numInferenceSteps: 4 }));
    const told = toEnd(call);
    await new Promise((resolve) => call.once('data', resolve));
    whole.drawings.release();
    const { accepted, ended, messages, error } = await told;

    expect(error).toBeUndefined();
    expect(accepted).toMatchObject({ kind: IllustrationKind.ILLUSTRATION_KIND_MEMORY, attempt: 0 });
    expect(ended).toMatchObject({
      jobId: accepted?.jobId,
      state: JobState.JOB_STATE_SUCCEEDED,
      attempt: 1,
      progress: undefined,
      illustrations: [
        { seed: 0, width: 64, height: 64, s3Uri: `s3://local/generated/ada/memory_${accepted?.jobId}.png` },
      ],
      receipt: { seed: 0, num_inference_steps: 4 },
    });
    const steps = messages.flatMap(({ event }) => (event?.$case === 'progress' ? [event.value] : []));
    expect(steps.at(-1)).toMatchObject({
      state: JobState.JOB_STATE_RUNNING,
      step: 4,
      totalSteps: 4,
      image: 1,
      images: 1,
    });
    expect(messages.filter(({ event }) => event?.$case !== 'progress')).toHaveLength(2);
  });

  it('draws a portrait, and as many pictures as asked for', async () => {
    const kind = IllustrationKind.ILLUSTRATION_KIND_SUBJECT;
    const { ended } = await toEnd(client.illustrate(aMemory({ kind, prompt: undefined, n: 2, seed: 4_294_967_295 })));
    expect(ended?.illustrations.map(({ seed }) => seed)).toEqual([4_294_967_295, 0]);
    expect(new Set(ended?.illustrations.map(({ s3Uri }) => s3Uri)).size).toBe(2);
  });

  it('tells how a job failed as its end: the call itself went well', async () => {
    const { ended, error } = await toEnd(client.illustrate(aMemory({ userId: 'nobody' })));
    expect(error).toBeUndefined();
    expect(ended).toMatchObject({
      state: JobState.JOB_STATE_FAILED,
      error: { reason: 'avatar-not-found', retryable: false },
    });
  });

  it('is the same job for the same request id, over REST too', async () => {
    const first = await toEnd(client.illustrate(aMemory({ requestId: 'key-1' })));
    const again = await toEnd(client.illustrate(aMemory({ requestId: 'key-1' })));
    expect(again.accepted?.jobId).toBe(first.accepted?.jobId);
    expect(again.ended).toEqual(first.ended);
    expect(again.messages).toHaveLength(2);
    expect(await whole.accept({}, { 'idempotency-key': 'key-1', prefer: 'respond-async' }).catch(String)).toContain(
      first.accepted?.jobId,
    );
    const other = await toEnd(client.illustrate(aMemory({ requestId: 'key-1', prompt: 'the sea' })));
    expect(other.error?.code).toBe(grpcStatus.INVALID_ARGUMENT);
    expect(other.error && detailsOf(other.error).reason).toBe('IDEMPOTENCY_KEY_REUSED');
  });

  it.each([
    [undefined, JobState.JOB_STATE_CANCELED],
    ['key-of-one-who-leaves', JobState.JOB_STATE_SUCCEEDED],
  ])('when its caller leaves, a job with request id %s ends as %d', async (requestId, state) => {
    whole.drawings.hold();
    const call = client.illustrate(aMemory({ requestId }));
    const told = toEnd(call);
    const jobId = await new Promise<string>((resolve) => {
      call.on('data', ({ event }) => {
        if (event?.$case === 'accepted') resolve(event.value.jobId);
      });
    });
    await eventually(() => calls().count === 1);
    call.cancel();
    expect((await told).error?.code).toBe(grpcStatus.CANCELLED);
    await eventually(() => calls().count === 0);
    // Without an id the run is stopped while it is still held.
    if (requestId !== undefined) whole.drawings.release();
    const { job } = await untilEnded(jobId);
    expect(job?.state).toBe(state);
  });

  it('expires with the deadline of its call', async () => {
    whole.drawings.hold();
    const call = client.illustrate(aMemory(), new Metadata(), { deadline: Date.now() + 1500 });
    const { error, accepted } = await toEnd(call);
    expect(error?.code).toBe(grpcStatus.DEADLINE_EXCEEDED);
    const { job } = await untilEnded(accepted?.jobId ?? '');
    expect(job).toMatchObject({ state: JobState.JOB_STATE_EXPIRED, error: { reason: 'deadline-exceeded' } });
  });

  it('tells a waiting job where it stands', async () => {
    whole.drawings.hold();
    const running = Array.from({ length: 8 }, () => toEnd(client.illustrate(aMemory())));
    await eventually(() => calls().count === 8);
    const call = client.illustrate(aMemory());
    const told = toEnd(call);
    await new Promise<void>((resolve) => {
      call.on('data', ({ event }) => {
        if (event?.$case === 'progress' && event.value.queuePosition !== undefined) resolve();
      });
    });
    whole.drawings.release();
    expect((await told).ended?.state).toBe(JobState.JOB_STATE_SUCCEEDED);
    await Promise.all(running);
  });

  async function untilEnded(jobId: string) {
    for (;;) {
      const reply = await answerOf<{ job?: { state: JobState } }>((done) => client.getJob({ jobId }, done));
      if ((reply.job?.state ?? 0) > JobState.JOB_STATE_RUNNING) return reply;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
});

describe('the jobs', () => {
  it('are the same as over REST', async () => {
    const id = await whole.accept({ seed: 3 });
    await eventually(() => calls().count === 0);
    const { job } = await answerOf<{ job?: { jobId: string; createdAt?: Date } }>((done) =>
      client.getJob({ jobId: id }, done),
    );
    const { job_id: jobId, created_at: createdAt } = await whole.job(id);
    expect(job).toMatchObject({ jobId, createdAt: new Date(createdAt) });
  });

  it('come in pages, newest first', async () => {
    const ids = [await whole.accept(), await whole.accept(), await whole.accept()];
    const first = await answerOf<ListJobsResponse>((done) => client.listJobs({ pageSize: 2 }, done));
    const rest = await answerOf<ListJobsResponse>((done) =>
      client.listJobs({ pageSize: 2, pageToken: first.nextPageToken }, done),
    );
    expect([...first.jobs, ...rest.jobs].slice(0, 3).map(({ jobId }) => jobId)).toEqual(ids.toReversed());
    const all = await answerOf<ListJobsResponse>((done) => client.listJobs({ pageToken: '' }, done));
    expect(all.jobs.length).toBeGreaterThan(3);
    const failed = await answerOf<ListJobsResponse>((done) =>
      client.listJobs({ state: JobState.JOB_STATE_FAILED }, done),
    );
    expect(new Set(failed.jobs.map(({ state }) => state))).toEqual(new Set([JobState.JOB_STATE_FAILED]));
  });

  it('can be cancelled, once and again, unless they have ended', async () => {
    whole.drawings.hold();
    const call = client.illustrate(aMemory());
    const told = toEnd(call);
    await new Promise((resolve) => call.once('data', resolve));
    const { jobs } = await answerOf<ListJobsResponse>((done) => client.listJobs({ pageSize: 1 }, done));
    const jobId = jobs[0]?.jobId ?? '';
    const { job } = await answerOf<{ job?: { jobId: string; cancelRequested: boolean } }>((done) =>
      client.cancelJob({ jobId }, done),
    );
    expect(job).toMatchObject({ jobId });
    const { ended, error } = await told;
    expect(error).toBeUndefined();
    expect(ended).toMatchObject({ state: JobState.JOB_STATE_CANCELED, error: { reason: 'canceled' } });
    await answerOf((done) => client.cancelJob({ jobId }, done));

    whole.drawings.release();
    const { ended: done } = await toEnd(client.illustrate(aMemory()));
    const late = await failureOf((reply) => client.cancelJob({ jobId: done?.jobId ?? '' }, reply));
    expect(late.code).toBe(grpcStatus.FAILED_PRECONDITION);
    expect(detailsOf(late)).toMatchObject({ reason: 'JOB_NOT_CANCELABLE', domain: 'illustration.autobio' });
  });

  it.each(['', 'no-id', newJobId()])('are not found as %j', async (jobId) => {
    for (const failure of [
      await failureOf((done) => client.getJob({ jobId }, done)),
      await failureOf((done) => client.cancelJob({ jobId }, done)),
    ]) {
      expect(failure).toMatchObject({ code: grpcStatus.NOT_FOUND, details: 'There is no such job.' });
      expect(detailsOf(failure)).toMatchObject({ reason: 'NOT_FOUND', domain: 'illustration.autobio' });
    }
  });
});

describe('every call', () => {
  it('carries its request id back, the caller’s own where it is sane', async () => {
    const idOf = (metadata: Metadata): Promise<string | undefined> =>
      new Promise((resolve) => {
        const call = client.listJobs({}, metadata, () => undefined);
        call.on('metadata', (reply: Metadata) => resolve(firstOf(reply, 'x-request-id')));
      });
    const sane = new Metadata();
    sane.set('x-request-id', 'from-the-caller');
    expect(await idOf(sane)).toBe('from-the-caller');
    const other = new Metadata();
    other.set('x-request-id', 'not { sane }');
    expect(await idOf(other)).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each(['ListJobs', 'Illustrate'])('of %s is refused when its message is none', async (method) => {
    const raw = new Client(whole.grpcAddress, credentials.createInsecure());
    const path = `/autobio.illustration.v1.IllustrationService/${method}`;
    const failure = await failureOf((done) =>
      raw.makeUnaryRequest(
        path,
        (bytes: Buffer) => bytes,
        (bytes) => bytes,
        Buffer.from('ffffffff', 'hex'),
        done,
      ),
    );
    raw.close();
    expect(failure.code).toBe(grpcStatus.INVALID_ARGUMENT);
    expect(detailsOf(failure).reason).toBe('MALFORMED_REQUEST');
  });

  it('is refused when it is larger than a REST body may be', async () => {
    const { error } = await toEnd(client.illustrate(aMemory({ prompt: 'x'.repeat(70_000) })));
    expect(error?.code).toBe(grpcStatus.RESOURCE_EXHAUSTED);
  });
});
