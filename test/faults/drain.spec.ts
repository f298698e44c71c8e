// SIGTERM under load: what callers, a load balancer and the other gateway see, and that it ends in time.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FaultClient } from '../support/fault-client.js';
import { FaultStack } from '../support/fault-stack.js';
import { judge } from '../support/judge.js';
import { LoadBalancer } from '../support/load-balancer.js';
import { hasPostgres, PostgresServer } from '../support/postgres-server.js';
import { SeededRandom } from '../support/seeded-random.js';
import { SseReader } from '../support/sse-reader.js';
import { untilTrue } from '../support/until-true.js';
import { withCanary } from '../support/with-canary.js';
import { seed } from './fault-scale.js';

const timeout = 120_000;

describe('a load balancer that has not noticed', () => {
  const delaySeconds = 6;
  let stack: FaultStack;
  beforeAll(async () => {
    stack = await FaultStack.start({
      env: { SHUTDOWN_DELAY_SECONDS: String(delaySeconds), SHUTDOWN_GRACE_SECONDS: '20' },
    });
  });
  afterAll(() => stack?.stop());

  it('sends for 5 s more, gets an answer to everything, and no connection is cut', { timeout }, async () => {
    const [url = ''] = stack.urls;
    const balancer = new LoadBalancer(url);
    const stopSending = new AbortController();
    const sending = balancer.send(stopSending.signal);
    await untilTrue('requests are answered', 10_000, () => balancer.forwarded.length > 50);
    const toldAtMs = balancer.nowMs;
    const exit = stack.gateways[0]?.end('SIGTERM');
    await sleep(5000);
    stopSending.abort();
    await sending;
    expect(await exit).toBe(0);
    const tookMs = balancer.nowMs - toldAtMs;

    const failures = balancer.forwarded.filter(({ failure }) => failure !== undefined);
    expect(failures).toEqual([]);
    const after = balancer.forwarded.filter(({ atMs }) => atMs > toldAtMs + 200);
    expect(after.length).toBeGreaterThan(100);
    expect(new Set(after.map(({ method, status }) => `${method} ${status}`))).toEqual(new Set(['GET 200', 'POST 503']));
    expect(after.every(({ connection }) => connection === 'close')).toBe(true);
    expect(after.filter(({ method }) => method === 'POST').every(({ retryAfter }) => retryAfter === '5')).toBe(true);
    console.log(`sent after SIGTERM: ${after.length}, cut: ${failures.length}; exited after ${tookMs.toFixed(0)} ms`);
    expect(tookMs).toBeGreaterThanOrEqual(delaySeconds * 1000 - 50);
    expect(tookMs).toBeLessThan(delaySeconds * 1000 + 3000);
  });
});

describe.skipIf(!hasPostgres)(`fifty jobs in flight on two gateways (FAULTS_SEED=${seed})`, () => {
  const graceSeconds = 8;
  const jobs = 50;
  let server: PostgresServer;
  let stack: FaultStack;
  let client: FaultClient;
  beforeAll(async () => {
    server = await PostgresServer.start();
    const env = {
      MAX_OUTSTANDING_JOBS: '25',
      FAKE_STEP_SECONDS: '0.01',
      CHECKPOINT_EVERY: '1',
      SHUTDOWN_GRACE_SECONDS: String(graceSeconds),
      LOG_LEVEL: 'info',
    };
    stack = await FaultStack.start({ pairs: 2, databaseUrl: server.url, env });
    client = new FaultClient(stack.urls, stack.history, new SeededRandom(seed));
  });
  afterAll(async () => {
    await stack?.stop();
    await server?.stop();
  });

  it('ends within one grace time, and the other goes on where it stopped', { timeout }, async () => {
    const [leaving = '', staying = ''] = stack.urls;
    const names = Array.from({ length: jobs }, (_, index) => `in-flight-${index}`);
    const ids = await Promise.all(names.map((name) => client.submit(name, { num_inference_steps: 60 })));
    await untilTrue('both workers draw', 30_000, () => new Set(stack.runs().map(({ worker }) => worker)).size === 2);
    const readers = await Promise.all(ids.slice(0, 10).map((id) => SseReader.open(`${leaving}/v1/jobs/${id}/events`)));
    const waiting = fetch(`${leaving}/v1/images/memory`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'waits' },
      body: JSON.stringify(withCanary({ user_id: 'ada', prompt: 'the last in the line', num_inference_steps: 60 })),
    });
    // Only then it is a caller that waits; one that comes after SIGTERM is refused and has no job.
    await untilTrue('the last job is accepted', 10_000, async () => (await client.jobs()).length > jobs);

    const toldAt = Date.now();
    stack.history.append({ type: 'fault', process: 'gateway-0', signal: 'SIGTERM' });
    const exit = stack.gateways[0]?.end('SIGTERM');
    await untilTrue('readiness is off', 1000, async () => (await fetch(`${leaving}/health/ready`)).status === 503);
    const readyOffMs = Date.now() - toldAt;
    await Promise.all(readers.map(({ ended }) => ended));
    const streamsEndedMs = Date.now() - toldAt;
    // A job that had ended by then needs no second look.
    const cutOff = readers.filter(({ events }) => events.at(-1)?.event !== 'succeeded');
    expect(cutOff.length).toBeGreaterThan(0);
    expect(cutOff.every(({ asides }) => asides.includes('retry: 1000'))).toBe(true);
    expect(await exit).toBe(0);
    const tookMs = Date.now() - toldAt;
    // It was told in good time, by an answer and not by a cut connection.
    const told = await waiting;
    expect([200, 503]).toContain(told.status);
    const body = (await told.json()) as { job_id?: string; error?: string };
    expect(body.error).toBe(told.status === 503 ? 'draining' : undefined);
    const jobId = body.job_id ?? told.headers.get('location')?.split('/').at(-1) ?? '';
    stack.history.append({ type: 'accepted', key: 'waits', jobId, isReplay: false, latencyMs: 0 });

    const other = new FaultClient([staying], stack.history, new SeededRandom(seed));
    const ends = await Promise.all(ids.map((id) => other.follow(id)));
    expect(ends.map((events) => events.at(-1)?.type)).toEqual(ids.map(() => 'succeeded'));
    const drawn = await Promise.all(ids.map((id) => other.job(id)));
    const goneOn = drawn.filter(({ receipt }) => typeof receipt?.resumed_from_step === 'number');
    const handedBack = ends.filter((events) => events.some(({ type }) => type === 'requeued'));
    // The second progress is told a quarter of a second after the first: by then there are steps to go on from.
    const halfDrawn = ids.filter((_, at) => progressBeforeHandBack(ends[at] ?? []) >= 2);
    console.log(
      `readiness off after ${readyOffMs} ms, streams ended after ${streamsEndedMs} ms, exit 0 after ${tookMs} ms of ` +
        `${graceSeconds} s; of ${jobs} jobs ${handedBack.length} handed back, ` +
        `${halfDrawn.length} of these half drawn, ${goneOn.length} gone on from a checkpoint`,
    );
    expect(tookMs).toBeLessThan(graceSeconds * 1000);
    expect(handedBack.length).toBeGreaterThan(0);
    expect(goneOn.map((job) => job.job_id)).toEqual(expect.arrayContaining(halfDrawn));
    stack.gateways[0]?.start();
    await judge('SIGTERM with fifty in flight', stack, client);
  });
});

/** How often progress was told of a run that was handed back; 0: none was. */
function progressBeforeHandBack(events: readonly { type: string }[]): number {
  const at = events.findIndex(({ type }) => type === 'requeued');
  return events.slice(0, Math.max(at, 0)).filter(({ type }) => type === 'progress').length;
}
