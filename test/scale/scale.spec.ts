// N gateways and N workers on one PostgreSQL and one S3 server: pictures a second by N, kills, and what an autoscaler reads. The
// workers draw noise, and take as long for it as they are told: what is measured is everything around a GPU.
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { podNumbers } from '../../scripts/service/pod-numbers.mjs';
import { drawAll } from '../support/draw-all.js';
import { FaultClient } from '../support/fault-client.js';
import { percentile } from '../support/fault-figures.js';
import { FaultStack } from '../support/fault-stack.js';
import { judge } from '../support/judge.js';
import { hasPostgres, PostgresServer } from '../support/postgres-server.js';
import { hasS3Server, S3Server } from '../support/s3-server.js';
import { killsLine, rateOf, scaleTable, type KillsReport, type ScaleRow } from '../support/scale-report.js';
import { ScalingSignal } from '../support/scaling-signal.js';
import { SeededRandom } from '../support/seeded-random.js';
import { StatementCounter, statementSettings } from '../support/statement-counter.js';

const cores = availableParallelism();
const pods = process.env['SCALE_PODS']?.split(' ').map(Number) ?? podNumbers(cores);
const most = Math.max(3, ...pods);
/** 13 for each gateway; the rest for this test and the server itself. */
const connections = 13 * most + 40;
/** Pods start one after the other, each of them slowly where the cores are busy. */
const mostMs = 180_000 + most * 60_000;
/** Of what pods more could bring at best; the rest is what they cost. */
const growth = 0.7;
const steps = 20;
const stepSeconds = 0.05;
const jobsOfPod = 20;
const idleSeconds = 6;
const killed = { pods: 3, jobs: 60, kills: 8 };
const settings = {
  FAKE_STEP_SECONDS: String(stepSeconds),
  METRICS_PORT: '0',
  MAX_OUTSTANDING_JOBS: '4',
  // As many as all pods together have, and more.
  MAX_QUEUED_JOBS: '10000',
};

describe.skipIf(!hasPostgres || !hasS3Server)('many pods', () => {
  let server: PostgresServer;
  let s3: S3Server;
  let counter: StatementCounter;
  let afterKills: KillsReport | undefined;
  const rows: ScaleRow[] = [];

  beforeAll(async () => {
    server = await PostgresServer.start({ settings: [...statementSettings, `max_connections=${connections}`] });
    counter = await StatementCounter.start(server);
  });
  afterAll(async () => {
    await server?.stop();
    console.log(`${cores} cores; a picture takes ${steps * stepSeconds} s of its worker`);
    if (rows.length > 0) console.log(scaleTable(rows, steps * stepSeconds));
    if (afterKills !== undefined) console.log(killsLine(afterKills));
  });

  async function start(number: number, name: string): Promise<FaultStack> {
    s3 = await S3Server.start();
    const starting = FaultStack.start({
      pairs: number,
      databaseUrl: await server.createDatabase(name),
      s3,
      env: settings,
      isStartedInTurn: true,
    });
    // What cannot start leaves no server behind.
    starting.catch(() => s3.stop());
    return starting;
  }

  it.each(pods)(
    '%i draw, and the queue is told as it is',
    async (number) => {
      const database = `scale_${number}`;
      const stack = await start(number, database);
      try {
        await counter.reset();
        await sleep(idleSeconds * 1000);
        const idle = (await counter.count(database)).statements / idleSeconds / number;
        await counter.reset();
        const jobs = number * jobsOfPod;
        const signal = new ScalingSignal(stack, server, database);
        const { seconds, ends, counted } = await signal.during(async () => {
          const work = await drawAll(stack, jobs, steps);
          const statements = await counter.count(database);
          // Until the gateways have looked again.
          await sleep(5000);
          return { ...work, counted: statements };
        });
        expect(ends).toEqual(Array.from({ length: jobs }, () => 'succeeded'));
        const waits = await waitsIn(server, database);
        rows.push({
          pods: number,
          jobs,
          seconds,
          idleStatements: idle,
          waitP50: percentile(waits, 0.5),
          waitP95: percentile(waits, 0.95),
          statements: counted.statements / jobs - (idle * number * seconds) / jobs,
          cpuMs: (1000 * counted.cpuSeconds) / jobs,
          events: await eventsIn(server, database),
          looks: signal.looks.length,
          wrongSignals: signal.wrong().length,
          peak: signal.peak(),
        });
        // With more pods than that the gateways themselves wait for the cores, and look late: shown, and not judged.
        const judged = number <= 2 * cores ? signal.wrong() : [];
        expect(judged).toEqual([]);
        expect(signal.looks.at(-1)).toMatchObject({ signal: 0, truth: 0 });
        expect(signal.peak()).toBeGreaterThan(0.7 * signal.truePeak());
      } finally {
        await stack.stop();
        await s3.stop();
      }
    },
    mostMs,
  );

  it.skipIf(pods.length < 2)('draw more with each pod, until the cores end', () => {
    const pairs = rows.slice(1).map((row, at) => ({ before: rows[at] ?? row, row }));
    expect(pairs).toHaveLength(pods.length - 1);
    // More pods than cores are shown and not judged; one pair always is.
    for (const { before, row } of pairs.filter((pair, at) => at === 0 || pair.row.pods <= cores)) {
      expect(rateOf(row) / rateOf(before)).toBeGreaterThan((growth * row.pods) / before.pods);
    }
  });

  it(
    'lose nothing when pods are killed at random',
    async () => {
      const stack = await start(killed.pods, 'scale_kills');
      try {
        const random = new SeededRandom(7);
        const client = new FaultClient(stack.urls, stack.history, random);
        const work = Promise.all(
          Array.from({ length: killed.jobs }, async (_, index) =>
            client.follow(await client.submit(`k-${index}`, { num_inference_steps: steps })),
          ),
        );
        for (let kill = 0; kill < killed.kills; kill += 1) {
          await sleep(random.integer(500, 2500));
          // A whole pod: its gateway and its worker.
          const pod = random.integer(0, stack.gateways.length - 1);
          for (const one of [stack.gateways[pod], stack.workers[pod]]) if (one !== undefined) stack.strike(one);
        }
        await work;
        const { verdict } = await judge('three pods, eight of their lives ended by kill -9', stack, client);
        afterKills = { ...killed, lost: verdict.lost, duplicated: verdict.duplicated };
        expect(afterKills).toEqual({ ...killed, lost: 0, duplicated: 0 });
      } finally {
        await stack.stop();
        await s3.stop();
      }
    },
    mostMs,
  );
});

/** Events of a job, the mean. */
async function eventsIn(server: PostgresServer, database: string): Promise<number> {
  const [row] = await server.query<{ events: number }>(
    'SELECT count(*)::float8 / count(DISTINCT job_id) AS events FROM illustration.job_events',
    database,
  );
  return row?.events ?? 0;
}

/** Seconds that each job waited for its first attempt. */
async function waitsIn(server: PostgresServer, database: string): Promise<number[]> {
  const rows = await server.query<{ seconds: number }>(
    'SELECT extract(epoch FROM started_at - created_at)::float8 AS seconds FROM illustration.jobs WHERE attempt = 1',
    database,
  );
  return rows.map(({ seconds }) => seconds);
}
