// Two gateways, each with its worker, on one PostgreSQL server: when one dies the other has its jobs.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runChaos } from '../support/chaos.js';
import { sendDuplicates } from '../support/duplicate-storm.js';
import { FaultClient } from '../support/fault-client.js';
import { dispatchesMs, latencies, percentile } from '../support/fault-figures.js';
import { FaultStack } from '../support/fault-stack.js';
import { judge } from '../support/judge.js';
import { hasPostgres, PostgresServer } from '../support/postgres-server.js';
import { SeededRandom } from '../support/seeded-random.js';
import { untilTrue } from '../support/until-true.js';
import { isFull, scaled, seed } from './fault-scale.js';

const kills = scaled(10, 110);
const leaseMs = 10_000;
const timeout = 120_000;

describe.skipIf(!hasPostgres || !isFull)(`two gateways on one PostgreSQL (FAULTS_SEED=${seed})`, () => {
  let server: PostgresServer;
  let stack: FaultStack;
  let client: FaultClient;
  const random = new SeededRandom(seed);
  beforeAll(async () => {
    server = await PostgresServer.start();
    stack = await FaultStack.start({ pairs: 2, databaseUrl: server.url, env: { FAKE_STEP_SECONDS: '0.02' } });
    client = new FaultClient(stack.urls, stack.history, random);
  });
  afterAll(async () => {
    await stack?.stop();
    await server?.stop();
  });

  /** Has a long job drawn; tells which pair draws it. */
  const drawLong = async (key: string): Promise<{ id: string; number: number }> => {
    const id = await client.submit(key, { num_inference_steps: 150 });
    const [run] = await untilTrue('it is drawn', 30_000, () => stack.runsOf(id).length > 0 && stack.runsOf(id));
    return { id, number: Number(run?.worker.split('-')[1]) };
  };

  it('work begins at once, whichever gateway took it', { timeout }, async () => {
    for (let number = 0; number < 200; number += 1) await client.follow(await client.submit(`calm-${number}`));
    const history = stack.history.entries();
    console.log(latencies('idle service, PostgreSQL, 200 jobs', history, stack.runs()));
    expect(percentile(dispatchesMs(history, stack.runs()), 0.5)).toBeLessThan(250);
  });

  it('the other draws on within lease + 2 s when a gateway dies for good', { timeout }, async () => {
    const { id, number } = await drawLong('orphaned');
    const diedAt = Date.now();
    stack.history.append({ type: 'fault', process: `gateway-${number}`, signal: 'SIGKILL' });
    await stack.gateways[number]?.end('SIGKILL');
    const [, next] = await untilTrue(
      'it is drawn again',
      20_000,
      () => stack.runsOf(id).length > 1 && stack.runsOf(id),
    );
    stack.gateways[number]?.start();
    expect(next?.worker).toBe(`worker-${1 - number}`);
    expect((next?.startedAt ?? 0) - diedAt).toBeLessThan(leaseMs + 2000);
    await stack.untilServing();
    expect((await client.follow(id)).at(-1)?.type).toBe('succeeded');
  });

  it('a gateway that was away longer than its lease changes nothing', { timeout }, async () => {
    const { id, number } = await drawLong('late');
    const late = stack.gateways[number];
    const other = new FaultClient([stack.urls[1 - number] ?? ''], stack.history, random);
    if (late === undefined) throw new Error('no such gateway');
    stack.strike(late, 'SIGSTOP');
    try {
      expect((await other.follow(id)).at(-1)?.type).toBe('succeeded');
    } finally {
      stack.strike(late, 'SIGCONT');
    }
    await stack.untilServing();
    await untilTrue('the late one learns of it', 20_000, () =>
      stack.linesOf(late.name).some((line) => line.job_id === id && line.level === 'warn'),
    );
    expect((await client.job(id)).state).toBe('succeeded');
  });

  const copies = scaled(500, 10_000);
  it(`${copies} duplicates over both are one job and one drawing`, { timeout: 300_000 }, async () => {
    const replies = await sendDuplicates(stack.urls, 'storm', copies);
    // 200 is told to those that come when the picture is there.
    expect(replies.filter(({ status }) => status !== 202 && status !== 200)).toEqual([]);
    const [jobId = '', ...others] = new Set(replies.map((reply) => reply.jobId));
    expect(others).toEqual([]);
    expect(replies.filter(({ isReplay }) => !isReplay)).toHaveLength(1);
    expect(await client.submit('storm', { prompt: 'the lake, again and again', num_inference_steps: 5 })).toBe(jobId);
    await client.follow(jobId);
    expect(stack.runsOf(jobId)).toHaveLength(1);
  });

  it(`${kills} kills of any of the four: every promise is kept`, { timeout: 1_800_000 }, async () => {
    await runChaos(stack, client, { kills, lanes: 8, cancels: 0.2, random });
    const { verdict } = await judge('PostgreSQL, 2 gateways, 2 workers', stack, client);
    expect(Object.keys(verdict.states).toSorted()).toEqual(['canceled', 'succeeded']);
  });
});
