// B6: the job path by itself, with real gateways and workers that draw noise at once: how long a job takes to be accepted
// for good, from there to the worker, and from a `kill -9` that cuts its run to the next one.
// node_modules/.bin/node --import ./test/support/run-typescript.mjs bench/b6_job_path.ts
import { acceptsMs, dispatchesMs, percentile, redispatches } from '../test/support/fault-figures.js';
import { FaultClient } from '../test/support/fault-client.js';
import { FaultStack } from '../test/support/fault-stack.js';
import { hasPostgres, PostgresServer } from '../test/support/postgres-server.js';
import { SeededRandom } from '../test/support/seeded-random.js';
import { untilTrue } from '../test/support/until-true.js';
import { runBench, type Arms } from './arms.js';
import { tell, verdict } from './rows.js';

const calmJobs = 200;
const kills = 20;
const leaseMs = 10_000;
const dispatchGoalMs = 50;
/** Long enough to be met while it runs. */
const longSteps = 150;

async function calm(stack: FaultStack, client: FaultClient, name: string): Promise<void> {
  for (let number = 0; number < calmJobs; number += 1) await client.follow(await client.submit(`calm-${number}`));
  const history = stack.history.entries();
  const dispatches = dispatchesMs(history, stack.runs());
  const most = percentile(dispatches, 0.99);
  tell([
    {
      id: 'B6',
      what: `accepted for good, ms, ${calmJobs} jobs one after the other; ${name}`,
      baseline: '-',
      ours: halfAndMost(acceptsMs(history)),
      ratio: '-',
      goal: '-',
      verdict: 'told only',
    },
    {
      id: 'B6',
      what: `from there to the worker, ms; ${name}`,
      baseline: '-',
      ours: halfAndMost(dispatches),
      ratio: '-',
      goal: `p99 <= ${dispatchGoalMs}`,
      verdict: verdict(most <= dispatchGoalMs),
    },
  ]);
}

/** One run at a time is cut, by a kill of its gateway or its worker. */
async function killed(stack: FaultStack, client: FaultClient, name: string): Promise<void> {
  const before = stack.history.entries().length;
  for (let number = 0; number < kills; number += 1) {
    const id = await client.submit(`cut-${number}`, { num_inference_steps: longSteps });
    await untilTrue('the job runs', 60_000, () => stack.runsOf(id).length > 0);
    const victims = number % 2 === 0 ? stack.workers : stack.gateways;
    const [victim] = victims;
    if (victim === undefined) throw new Error('there is nobody to kill');
    stack.strike(victim);
    await client.follow(id);
    await stack.untilServing();
  }
  const again = redispatches(stack.history.entries().slice(before), stack.runs()).map(({ ms }) => ms);
  const most = Math.max(...again);
  tell([
    {
      id: 'B6',
      what: `from a kill -9 to the next run, ms, ${again.length} of ${kills} kills cut one; ${name}`,
      baseline: '-',
      ours: `p50 ${percentile(again, 0.5).toFixed(0)}, most ${most.toFixed(0)}`,
      ratio: '-',
      goal: `<= lease + 2 s = ${leaseMs + 2000}`,
      verdict: verdict(most <= leaseMs + 2000),
    },
  ]);
}

function halfAndMost(values: number[]): string {
  return `p50 ${percentile(values, 0.5).toFixed(0)}, p99 ${percentile(values, 0.99).toFixed(0)}`;
}

async function b6(arms: Arms): Promise<void> {
  const databases = [{ name: 'embedded database', databaseUrl: '' }];
  if (hasPostgres) {
    const server = await arms.started(PostgresServer.start({ isDurable: true }));
    databases.push({ name: 'PostgreSQL server', databaseUrl: server.url });
  }
  for (const { name, databaseUrl } of databases) {
    const stack = await arms.started(FaultStack.start({ databaseUrl }));
    const client = new FaultClient(stack.urls, stack.history, new SeededRandom(1));
    await calm(stack, client, name);
    await killed(stack, client, name);
    await stack.stop();
  }
}

await runBench(b6);
