// What Prometheus sees of the whole gateway, after jobs of every end over both faces.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { aMemory, toEnd } from '../../../../../test/support/grpc-calls.js';
import { readMetrics, type Sample } from '../../../../../test/support/metrics-page.js';
import { untilTrue } from '../../../../../test/support/until-true.js';
import { WholeApp } from '../../../../../test/support/whole-app.js';
import { Dispatcher } from '../../jobs/dispatcher.js';
import { Shutdown } from '../../lifecycle/shutdown.js';
import { MetricsServer } from './metrics-server.js';

let whole: WholeApp;
let samples: Sample[];
const ids: string[] = [];

const page = (): string => `http://127.0.0.1:${whole.app.get(MetricsServer, { strict: false }).port}/metrics`;
const valueOf = (name: string, labels: Record<string, string> = {}): number | undefined =>
  samples.find((one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value))
    ?.value;
const post = (body: object, headers: Record<string, string> = {}) =>
  fetch(`${whole.url}/v1/images/memory`, {
    method: 'POST',
    body: JSON.stringify({ user_id: 'ada', prompt: 'the lake', ...body }),
    headers: { 'content-type': 'application/json', ...headers },
  });

beforeAll(async () => {
  whole = await WholeApp.start({ METRICS_PORT: '0', RESULT_CACHE_TTL_SECONDS: '60' });
  await post({}, { 'idempotency-key': 'twice' });
  await post({}, { 'idempotency-key': 'twice' });
  await post({ user_id: 'nobody' });
  await post({ prompt: 7 });
  whole.drawings.hold();
  const held = await whole.accept();
  ids.push(held);
  await fetch(`${whole.url}/v1/jobs/${held}/cancel`, { method: 'POST' });
  whole.drawings.release();
  await untilTrue('it is cancelled', 5000, async () => (await whole.job(held)).state === 'canceled');
  const client = whole.grpcClient();
  await toEnd(client.illustrate(aMemory({ kind: 2, prompt: undefined })));
  client.close();
  await fetch(`${whole.url}/nothing/here`);
  await untilTrue('the queue was looked at again', 5000, async () => {
    samples = await readMetrics(page());
    return valueOf('illustration_jobs_outstanding', { state: 'running' }) === 0 && samples.length > 0;
  });
}, 60_000);
afterAll(() => whole.stop());

describe('/metrics', () => {
  it('counts jobs by how they came and ended', () => {
    expect(valueOf('illustration_jobs_accepted_total', { kind: 'memory' })).toBe(3);
    expect(valueOf('illustration_jobs_accepted_total', { kind: 'subject' })).toBe(1);
    expect(valueOf('illustration_jobs_replayed_total', { kind: 'memory' })).toBe(1);
    expect(valueOf('illustration_jobs_ended_total', { kind: 'memory', state: 'succeeded' })).toBe(1);
    expect(valueOf('illustration_jobs_ended_total', { state: 'failed', reason: 'avatar-not-found' })).toBe(1);
    expect(valueOf('illustration_jobs_ended_total', { state: 'canceled', reason: 'canceled', kind: 'memory' })).toBe(1);
    expect(valueOf('illustration_job_duration_seconds_count', { kind: 'subject', state: 'succeeded' })).toBe(1);
    expect(valueOf('illustration_job_attempts_count', { state: 'succeeded' })).toBe(2);
  });

  it('shows counters that have counted nothing yet, so that their first event is an increase', () => {
    expect(valueOf('illustration_jobs_ended_total', { kind: 'subject', reason: 'attempts-exhausted' })).toBe(0);
    expect(valueOf('illustration_runs_fenced_total', { kind: 'memory' })).toBe(0);
  });

  it('tells where the time and the device went', () => {
    expect(valueOf('illustration_pictures_total', { kind: 'memory', origin: 'drawn' })).toBe(1);
    expect(valueOf('illustration_gpu_seconds_total', { tenant_class: 'default', kind: 'memory' })).toBeGreaterThan(0);
    const stages = samples.filter(({ name }) => name === 'illustration_job_stage_seconds_count');
    expect(stages.map(({ labels }) => labels['stage'])).toEqual(
      expect.arrayContaining(['queue', 'reference', 'encode', 'denoise', 'decode', 'png', 'upload', 'other']),
    );
    expect(valueOf('illustration_job_queue_wait_seconds_count', { kind: 'memory' })).toBe(3);
    expect(valueOf('illustration_job_service_seconds_count', { kind: 'memory' })).toBe(1);
  });

  it('tells pictures that were there already from those that were drawn', async () => {
    for (const isFresh of [false, false, true]) {
      await post({ seed: 7 }, isFresh ? { 'cache-control': 'no-cache' } : {});
    }
    const now = await readMetrics(page());
    const of = (name: string, label: string): Record<string, number> =>
      Object.fromEntries(now.filter((one) => one.name === name).map(({ labels, value }) => [labels[label], value]));
    const none = { shared: 0, vanished: 0, unavailable: 0 };
    expect(of('illustration_result_cache_lookups_total', 'outcome')).toEqual({ hit: 1, miss: 1, bypassed: 1, ...none });
    expect(now).toContainEqual(
      expect.objectContaining({
        name: 'illustration_pictures_total',
        labels: { kind: 'memory', origin: 'cached' },
        value: 1,
      }),
    );
  });

  it('tells of requests by route and of calls by method', () => {
    const route = '/v1/images/memory';
    expect(valueOf('illustration_http_request_duration_seconds_count', { method: 'POST', route, status: '200' })).toBe(
      2,
    );
    expect(
      valueOf('illustration_grpc_request_duration_seconds_count', {
        method: 'autobio.illustration.v1.IllustrationService/Illustrate',
        code: 'OK',
      }),
    ).toBe(1);
    expect(valueOf('illustration_errors_total', { reason: 'validation-failed' })).toBe(1);
    expect(valueOf('illustration_errors_total', { reason: 'not-found' })).toBe(1);
  });

  it('tells how the gateway is', () => {
    expect(valueOf('illustration_worker_ready')).toBe(1);
    expect(valueOf('illustration_draining')).toBe(0);
    expect(valueOf('illustration_jobs_capacity')).toBe(8);
    expect(valueOf('nodejs_eventloop_lag_seconds')).toBeGreaterThanOrEqual(0);
    expect(valueOf('process_resident_memory_bytes')).toBeGreaterThan(0);
  });

  it('has labels of a few values: no user, job, key or path', () => {
    const values = samples.flatMap(({ labels }) => Object.values(labels)).join('\n');
    for (const secret of ['ada', 'nobody', 'twice', '/nothing', 'lake', ...ids]) expect(values).not.toContain(secret);
  });

  it('names everything of ours by one scheme, in base units', () => {
    const ours = new Set(samples.map(({ family }) => family).filter((name) => !/^(nodejs|process)_/.test(name)));
    const counts = [
      'jobs_outstanding',
      'jobs_capacity',
      'gateway_runs',
      'job_attempts',
      'worker_ready',
      'draining',
      'build_info',
    ];
    const scheme = new RegExp(
      `^illustration_([a-z]+_)*(seconds|bytes|total|ratio)$|^illustration_(${counts.join('|')})$`,
    );
    expect([...ours].filter((name) => !scheme.test(name))).toEqual([]);
    expect(ours.size).toBeGreaterThan(15);
  });

  it('is nowhere on the public port, and the only thing on its own', async () => {
    expect((await fetch(`${whole.url}/metrics`)).status).toBe(404);
    expect((await fetch(page().replace('/metrics', '/health'))).status).toBe(404);
    expect((await fetch(page(), { method: 'POST' })).status).toBe(404);
  });

  it('shows the drain while it goes on', async () => {
    whole.drawings.hold();
    await whole.accept();
    await expect
      .poll(async () => (samples = await readMetrics(page())) && valueOf('illustration_gateway_runs'), {
        timeout: 5000,
      })
      .toBe(1);
    whole.app.get(Shutdown).begin();
    samples = await readMetrics(page());
    expect(valueOf('illustration_draining')).toBe(1);
    whole.drawings.release();
    await whole.app.get(Dispatcher, { strict: false }).drain(1000);
  });
});

it('is off by default', async () => {
  const plain = await WholeApp.start();
  expect(plain.app.get(MetricsServer, { strict: false }).port).toBeUndefined();
  await plain.stop();
}, 60_000);
