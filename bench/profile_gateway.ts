// What the gateway does under B4's traffic, with a drawing that is there at once: CPU time and allocations as shares by
// package and by function, and the delay of its event loop. With `--postgres` on a PostgreSQL server.
// node_modules/.bin/node --import ./test/support/run-typescript.mjs bench/profile_gateway.ts [--postgres] [--calls 400]
import { parseArgs } from 'node:util';
import { freePort } from '../scripts/service/service.mjs';
import { portrait } from '../test/support/avatars.js';
import { PostgresServer } from '../test/support/postgres-server.js';
import { RunningService } from '../test/support/running-service.js';
import { S3Server } from '../test/support/s3-server.js';
import { runBench, type Arms } from './arms.js';
import { Inspector } from './inspector.js';
import { askMemory } from './memories.js';
import {
  costsOfAllocations,
  costsOfTime,
  functionOf,
  packageOf,
  shares,
  type AllocationNode,
  type Cost,
  type CpuProfile,
} from './profile_shares.js';

const lanes = 8;
const warmUpCalls = 100;
const cpuSampleMicroseconds = 200;
const allocationSampleBytes = 16 * 1024;
const rowsTold = 16;

async function traffic(url: string, calls: number): Promise<void> {
  await Promise.all(
    Array.from({ length: lanes }, async (_, lane) => {
      for (let number = lane; number < calls; number += lanes) {
        const answer = await askMemory(url, { user_id: 'user_0', prompt: `prompt ${number}`, num_inference_steps: 1 });
        if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}: ${answer.text}`);
      }
    }),
  );
}

async function cpuCosts(inspector: Inspector, work: () => Promise<void>): Promise<Cost[]> {
  await inspector.ask('Profiler.enable');
  await inspector.ask('Profiler.setSamplingInterval', { interval: cpuSampleMicroseconds });
  await inspector.ask('Profiler.start');
  await work();
  return costsOfTime((await inspector.ask<{ profile: CpuProfile }>('Profiler.stop')).profile);
}

/** All that was allocated, also what was collected since. */
async function allocations(inspector: Inspector, work: () => Promise<void>): Promise<Cost[]> {
  await inspector.ask('HeapProfiler.startSampling', {
    samplingInterval: allocationSampleBytes,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  });
  await work();
  const { profile } = await inspector.ask<{ profile: { head: AllocationNode } }>('HeapProfiler.stopSampling');
  return costsOfAllocations(profile.head);
}

/** How much later than asked for a timer of 1 ms fires, without any profiler at work. */
async function loopDelay(inspector: Inspector, work: () => Promise<void>): Promise<{ [quantile: string]: number }> {
  await inspector.evaluate(`globalThis.benchDelay = process.getBuiltinModule('node:perf_hooks')
    .monitorEventLoopDelay({ resolution: 1 }); benchDelay.enable()`);
  await work();
  const text = await inspector.evaluate<string>(`benchDelay.disable(), JSON.stringify({ mean: benchDelay.mean / 1e6,
    p50: benchDelay.percentile(50) / 1e6, p99: benchDelay.percentile(99) / 1e6, max: benchDelay.max / 1e6 })`);
  return JSON.parse(text) as { [quantile: string]: number };
}

function tell(title: string, costs: readonly Cost[]): void {
  for (const [by, nameOf] of [
    ['package', packageOf],
    ['function', functionOf],
  ] as const) {
    console.log(`\n| ${title}, by ${by} | share |\n| --- | --- |`);
    for (const [name, share] of shares(costs, nameOf).slice(0, rowsTold))
      console.log(`| ${name} | ${(100 * share).toFixed(1)} % |`);
  }
}

async function profileGateway(arms: Arms, isOnServer: boolean, calls: number): Promise<void> {
  const s3 = await arms.started(S3Server.start({ keepsAlive: true }));
  await s3.put('avatars/user_0.png', portrait);
  const database = isOnServer ? await arms.started(PostgresServer.start({ isDurable: true })) : undefined;
  const port = await freePort();
  const service = await arms.started(
    RunningService.start({
      ...s3.settings,
      ILLUSTRATOR: 'fake',
      NODE_OPTIONS: `--inspect=127.0.0.1:${port}`,
      ...(database !== undefined && { DATABASE_URL: database.url }),
    }),
  );
  const inspector = await Inspector.connect(port);
  await traffic(service.url, warmUpCalls);
  const work = (): Promise<void> => traffic(service.url, calls);
  const delay = await loopDelay(inspector, work);
  tell('CPU time', await cpuCosts(inspector, work));
  const allocated = await allocations(inspector, work);
  tell('allocated', allocated);
  const bytes = allocated.reduce((total, { amount }) => total + amount, 0);
  console.log(`\nallocated a call: ${(bytes / calls / 1024).toFixed(0)} KiB`);
  const quantiles = Object.entries(delay).map(([name, ms]) => `${name} ${ms.toFixed(1)}`);
  console.log(`delay of the event loop (timer of 1 ms included), ms: ${quantiles.join(', ')}`);
  inspector.close();
}

const { values } = parseArgs({
  options: { postgres: { type: 'boolean', default: false }, calls: { type: 'string', default: '400' } },
});
await runBench((arms) => profileGateway(arms, values.postgres, Number(values.calls)));
