// N gateways and N workers on one PostgreSQL and one S3 server: pictures a second by N, kills, and what an autoscaler reads. The
// workers draw noise, and take as long for it as they are told: what is measured is everything around a GPU.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FaultClient } from '../support/fault-client.js';
import { percentile } from '../support/fault-figures.js';
import { FaultStack } from '../support/fault-stack.js';
import { judge } from '../support/judge.js';
import { hasPostgres, PostgresServer } from '../support/postgres-server.js';
import { hasS3Server, S3Server } from '../support/s3-server.js';
import { ScalingSignal } from '../support/scaling-signal.js';
import { SeededRandom } from '../support/seeded-random.js';
import { StatementCounter, statementSettings } from '../support/statement-counter.js';

const pods = (process.env['SCALE_PODS'] ?? '1 2 4').split(' ').map(Number);
const steps = 20;
const stepSeconds = 0.05;
const jobsOfPod = 20;
const idleSeconds = 6;
const settings = {
  FAKE_STEP_SECONDS: String(stepSeconds),
  METRICS_PORT: '0',
  MAX_OUTSTANDING_JOBS: '4',
  // As many as all pods together have, and more.
  MAX_QUEUED_JOBS: '10000',
};

interface Row {
  pods: number;
  jobs: number;
  seconds: number;
  waitP50: number;
  waitP95: number;
  /** Of the database, for each job, without those that a service makes that does nothing. */
  statements: number;
  /** CPU time of the database server for each job, milliseconds; all that it did meanwhile. */
  cpuMs: number;
  /** What happened to each job and was told to every gateway. */
  events: number;
  /** Of the database, for each gateway that does nothing and each second. */
  idleStatements: number;
  wrongSignals: number;
  peak: number;
}

describe.skipIf(!hasPostgres || !hasS3Server)('many pods', () => {
  let server: PostgresServer;
  let s3: S3Server;
  let counter: StatementCounter;
  const rows: Row[] = [];

  beforeAll(async () => {
    server = await PostgresServer.start({ settings: statementSettings });
    counter = await StatementCounter.start(server);
  });
  afterAll(async () => {
    await server?.stop();
    if (rows.length > 0) console.log(tableOf(rows));
  });

  async function start(number: number, name: string): Promise<FaultStack> {
    s3 = await S3Server.start();
    const starting = FaultStack.start({
      pairs: number,
      databaseUrl: await server.createDatabase(name),
      s3,
      env: settings,
    });
    // What cannot start leaves no server behind.
    starting.catch(() => s3.stop());
    return starting;
  }

  it.each(pods)('%i draw, and the queue is told as it is', async (number) => {
    const database = `scale_${number}`;
    const stack = await start(number, database);
    try {
      await counter.reset();
      await sleep(idleSeconds * 1000);
      const idle = (await counter.count(database)).statements / idleSeconds / number;
      await counter.reset();
      const over = new AbortController();
      const signal = new ScalingSignal(stack, server, database);
      const watching = signal.watch(over.signal);
      const client = new FaultClient(stack.urls, stack.history, new SeededRandom(1));
      const jobs = number * jobsOfPod;
      const begunAt = Date.now();
      const ids = await Promise.all(
        Array.from({ length: jobs }, (_, index) => client.submit(`j-${index}`, { num_inference_steps: steps })),
      );
      const ends = await Promise.all(ids.map((id) => client.follow(id)));
      const seconds = (Date.now() - begunAt) / 1000;
      const counted = await counter.count(database);
      // Until the gateways have looked again.
      await sleep(5000);
      over.abort();
      await watching;
      expect(ends.map((events) => events.at(-1)?.type)).toEqual(ids.map(() => 'succeeded'));
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
        wrongSignals: signal.wrong().length,
        peak: Math.max(...signal.looks.map((look) => look.signal ?? 0)),
      });
      expect(signal.wrong()).toEqual([]);
      expect(signal.looks.at(-1)).toMatchObject({ signal: 0, truth: 0 });
      expect(Math.max(...signal.looks.map((look) => look.signal ?? 0))).toBeGreaterThan(jobs / 2);
    } finally {
      await stack.stop();
      await s3.stop();
    }
  });

  it.skipIf(pods.length < 2)('draw more with each pod', () => {
    const [first = Number.NaN, second = Number.NaN] = rows.map((row) => row.jobs / row.seconds);
    expect(second / first).toBeGreaterThan(1.4);
  });

  it('lose nothing when pods are killed at random', async () => {
    const stack = await start(3, 'scale_kills');
    try {
      const random = new SeededRandom(7);
      const client = new FaultClient(stack.urls, stack.history, random);
      const work = Promise.all(
        Array.from({ length: 60 }, async (_, index) =>
          client.follow(await client.submit(`k-${index}`, { num_inference_steps: steps })),
        ),
      );
      for (let kill = 0; kill < 8; kill += 1) {
        await sleep(random.integer(500, 2500));
        // A whole pod: its gateway and its worker.
        const pod = random.integer(0, stack.gateways.length - 1);
        for (const one of [stack.gateways[pod], stack.workers[pod]]) if (one !== undefined) stack.strike(one);
      }
      await work;
      const { verdict } = await judge('three pods, eight of their lives ended by kill -9', stack, client);
      expect(verdict.lost).toBe(0);
    } finally {
      await stack.stop();
      await s3.stop();
    }
  });
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

function tableOf(rows: Row[]): string {
  const best = 1 / (steps * stepSeconds);
  const head = [
    'pods',
    'jobs',
    'pictures/s',
    'of the most',
    'wait p50 / p95',
    'statements a job',
    'db CPU ms a job',
    'events a job',
    'idle stmts/s a pod',
    'peak of the signal',
  ];
  const body = rows.map((row) => {
    const rate = row.jobs / row.seconds;
    return [
      String(row.pods),
      String(row.jobs),
      rate.toFixed(2),
      `${((100 * rate) / (best * row.pods)).toFixed(0)} %`,
      `${row.waitP50.toFixed(1)} / ${row.waitP95.toFixed(1)} s`,
      row.statements.toFixed(0),
      row.cpuMs.toFixed(0),
      row.events.toFixed(1),
      row.idleStatements.toFixed(1),
      String(row.peak),
    ];
  });
  const widths = head.map((title, column) =>
    Math.max(title.length, ...body.map((cells) => cells[column]?.length ?? 0)),
  );
  const line = (cells: string[]): string => cells.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  ');
  return [`A picture takes ${steps * stepSeconds} s of its worker.`, line(head), ...body.map(line)].join('\n');
}
