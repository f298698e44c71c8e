// The job path by itself, without HTTP, pictures or callers, on this checkout and on others: jobs are accepted, leased and
// ended, one after the other, over one PostgreSQL server. Name the oldest checkout first.
// node_modules/.bin/node --import ./test/support/run-typescript.mjs bench/job_path_builds.ts <other> ... [--rounds 6]
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type * as OpenDatabase from '../apps/gateway/src/database/open-database.js';
import { inRoot } from '../scripts/paths.mjs';
import type * as JobPathModule from '../test/support/job-path.js';
import { PostgresServer } from '../test/support/postgres-server.js';
import { cpuSecondsOf } from '../test/support/statement-counter.js';
import { runBench, type Arms } from './arms.js';
import { spread } from './memories.js';
import { compared } from './rows.js';

const jobs = 25;

interface Arm {
  name: string;
  /** One job from its acceptance to its end. */
  runOne: () => Promise<void>;
  /** Milliseconds a job. */
  wallMs: number[];
  gatewayCpuMs: number[];
  serverCpuMs: number[];
}

async function armOf(arms: Arms, checkout: string, url: string): Promise<Arm> {
  const load = (file: string): Promise<unknown> => import(pathToFileURL(path.join(checkout, file)).href);
  const { openDatabase } = (await load('apps/gateway/src/database/open-database.ts')) as typeof OpenDatabase;
  const { aJob, JobPath } = (await load('test/support/job-path.ts')) as typeof JobPathModule;
  const database = await openDatabase({ url, folder: '' });
  await arms.started(Promise.resolve({ stop: () => database.close() }));
  const { store, queue } = await arms.started(JobPath.start(database));
  const runOne = async (): Promise<void> => {
    await store.accept(aJob());
    const { leases } = await queue.lease(4, null);
    for (const lease of leases) await queue.complete(lease, { type: 'succeeded', result: {}, receipt: {} });
  };
  return { name: path.basename(checkout), runOne, wallMs: [], gatewayCpuMs: [], serverCpuMs: [] };
}

async function measure({ runOne, wallMs, gatewayCpuMs, serverCpuMs }: Arm, server: PostgresServer): Promise<void> {
  const begun = performance.now();
  const [ownBefore, serverBefore] = [process.cpuUsage(), cpuSecondsOf(server.pid)];
  for (let job = 0; job < jobs; job += 1) await runOne();
  const own = process.cpuUsage(ownBefore);
  wallMs.push((performance.now() - begun) / jobs);
  gatewayCpuMs.push((own.user + own.system) / 1000 / jobs);
  serverCpuMs.push(((cpuSecondsOf(server.pid) - serverBefore) * 1000) / jobs);
}

async function builds(arms: Arms, checkouts: string[], rounds: number): Promise<void> {
  const server = await arms.started(PostgresServer.start({ isDurable: true }));
  const all: Arm[] = [];
  for (const [number, checkout] of checkouts.entries())
    all.push(await armOf(arms, checkout, await server.createDatabase(`arm_${number}`)));
  // Not counted: what happens once only.
  for (const { runOne } of all) for (let job = 0; job < jobs; job += 1) await runOne();
  for (let round = 0; round < rounds; round += 1) {
    for (const arm of round % 2 === 0 ? all : all.toReversed()) await measure(arm, server);
  }
  for (const figure of ['wallMs', 'gatewayCpuMs', 'serverCpuMs'] as const) {
    console.log(`\n| ${figure} a job | figure | to the one before |\n| --- | --- | --- |`);
    all.forEach((arm, at) => {
      const before = all[at - 1];
      const ratio = before === undefined ? '-' : compared(arm[figure], before[figure]).text;
      console.log(`| ${arm.name} | ${spread(arm[figure])} | ${ratio} |`);
    });
  }
}

const { values, positionals } = parseArgs({
  options: { rounds: { type: 'string', default: '6' } },
  allowPositionals: true,
});
const checkouts = [...positionals.map((folder) => path.resolve(folder)), inRoot()];
await runBench((arms) => builds(arms, checkouts, Number(values.rounds)));
