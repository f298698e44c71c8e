import { describe, expect, it } from 'vitest';

import type { Outlook, QueuePlace } from '../jobs/capacity.js';
import type { Job } from '../jobs/domain/job.js';
import { FileObjectStore } from '../storage/file/file-object-store.js';
import { JobEventTeller } from './job-event-view.js';
import { JobViews } from './job-views.js';

const idle: Outlook = {
  queued: 0,
  running: 0,
  oldestQueuedSeconds: 0,
  capacity: 1,
  serviceMs: null,
  stepMs: null,
};

/** The view of a job, while the queue stands as given. */
async function viewOf(job: Job, { outlook = idle, place }: { outlook?: Outlook; place?: QueuePlace } = {}) {
  const capacity = {
    outlook: async () => outlook,
    placeOf: async () => place ?? { jobsAhead: 0, startsInMs: null, endsInMs: null },
  };
  const store = new FileObjectStore(
    { kind: 'file', folder: '/nowhere', bucket: 'local' },
    { url: () => 'https://images.example' },
  );
  return new JobViews(capacity, store).of(job);
}

const createdAt = new Date('2026-01-01T00:00:00Z');

function aJob(fields: Partial<Job>): Job {
  return {
    id: '0197f0c0-0000-7000-8000-000000000001',
    tenant: 'default',
    kind: 'memory',
    request: { prompt: 'the lake' },
    seed: 1,
    images: 1,
    totalSteps: 20,
    resultKeys: ['generated/ada/memory_1.png'],
    requestId: 'r',
    traceparent: null,
    state: 'queued',
    attempt: 0,
    isCancelRequested: false,
    tag: 1,
    lastSeq: 1,
    createdAt,
    startedAt: null,
    finishedAt: null,
    deadline: null,
    progress: null,
    result: null,
    receipt: null,
    error: null,
    redriveOf: null,
    ...fields,
  };
}

const running = (agoMs: number, fields: Partial<Job> = {}): Job =>
  aJob({ state: 'running', attempt: 1, startedAt: new Date(Date.now() - agoMs), ...fields });

describe('the view of a job', () => {
  it('says what a waiting one can know, and no word of the request', async () => {
    const view = await viewOf(aJob({}), { place: { jobsAhead: 3, startsInMs: 4000, endsInMs: 5001 } });
    expect(view).toEqual({
      job_id: '0197f0c0-0000-7000-8000-000000000001',
      kind: 'memory',
      state: 'queued',
      created_at: '2026-01-01T00:00:00.000Z',
      attempt: 0,
      cancel_requested: false,
      queue_position: 3,
      eta_seconds: 6,
    });
  });

  it('promises nothing while nothing was measured', async () => {
    expect(await viewOf(aJob({}))).not.toHaveProperty('eta_seconds');
    expect(await viewOf(running(5000))).not.toHaveProperty('eta_seconds');
  });

  it('takes the end of a run from its speed so far, over all its pictures', async () => {
    const progress = { step: 5, total: 10, image: 2, images: 3 };
    const view = await viewOf(running(15_000, { progress }));
    expect(view.progress).toEqual({ step: 5, total_steps: 10, image: 2, images: 3 });
    // 15 of 30 steps in 15 s.
    expect(view.eta_seconds).toBeGreaterThanOrEqual(15);
    expect(view.eta_seconds).toBeLessThanOrEqual(16);
  });

  it('takes it from other runs before its first step', async () => {
    const { eta_seconds } = await viewOf(running(1000), { outlook: { ...idle, stepMs: 500 } });
    expect(eta_seconds).toBe(9);
  });

  it('never tells an end in the past', async () => {
    expect(await viewOf(running(60_000), { outlook: { ...idle, stepMs: 500 } })).toMatchObject({ eta_seconds: 0 });
  });

  it('tells places of pictures, made when they are read', async () => {
    const image = { key: 'generated/ada/memory_1.png', seed: 1, width: 64, height: 32, sha256: 'ab', size_bytes: 9 };
    const view = await viewOf(
      aJob({ state: 'succeeded', finishedAt: createdAt, result: { images: [image] }, receipt: { seed: 1 } }),
    );
    expect(view.data).toEqual([
      {
        s3_uri: 's3://local/generated/ada/memory_1.png',
        url: 'https://images.example/images/generated/ada/memory_1.png',
        seed: 1,
        width: 64,
        height: 32,
        sha256: 'ab',
      },
    ]);
    expect(view.receipt).toEqual({ seed: 1 });
  });

  it('tells why the last attempt failed', async () => {
    const error = {
      reason: 'attempts-exhausted',
      detail: 'Every attempt failed.',
      lastFailure: { reason: 'worker-unavailable', detail: 'gone' },
    } as const;
    expect((await viewOf(aJob({ state: 'failed', error }))).error).toEqual({
      error: 'attempts-exhausted',
      title: 'Every attempt failed',
      status: 500,
      detail: 'Every attempt failed.',
      retryable: false,
      last_failure: { error: 'worker-unavailable', detail: 'gone' },
    });
  });
});

describe('the events of a job', () => {
  const at = (second: number): Date => new Date(createdAt.getTime() + second * 1000);
  const progress = { step: 5, total: 20, image: 1, images: 1 };

  it('tell its speed from its start', () => {
    const teller = new JobEventTeller('j', null);
    expect(teller.tell({ seq: 2, type: 'started', data: { attempt: 1 }, at: at(0) })).toEqual({
      job_id: 'j',
      state: 'running',
      at: '2026-01-01T00:00:00.000Z',
      attempt: 1,
    });
    expect(teller.tell({ seq: 3, type: 'progress', data: progress, at: at(5) })).toMatchObject({
      progress: { step: 5, total_steps: 20 },
      eta_seconds: 15,
    });
  });

  it('tell no speed for steps of an attempt whose start was not seen', () => {
    const teller = new JobEventTeller('j', at(60));
    expect(teller.tell({ seq: 3, type: 'progress', data: progress, at: at(5) })).not.toHaveProperty('eta_seconds');
  });

  it('tell why an attempt was cut short, even for a reason of a newer release', () => {
    const teller = new JobEventTeller('j', null);
    const event = { seq: 4, type: 'requeued', at: at(9) } as const;
    const known = teller.tell({ ...event, data: { reason: 'worker-unavailable', detail: 'gone' } });
    expect(known).toMatchObject({ state: 'queued', error: { error: 'worker-unavailable', retryable: true } });
    const unknown = teller.tell({ ...event, data: { reason: 'struck-by-lightning', detail: 'gone' } });
    expect(unknown).toMatchObject({ error: { error: 'internal' } });
  });
});
