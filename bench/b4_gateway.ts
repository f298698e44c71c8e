// B4: REST round trip with a drawing that is there at once: gateway (fake illustrator) / prototype (stubbed inference).
// Ours twice: on the embedded database, and on a PostgreSQL server that writes to disk before it answers. All keep avatars
// and pictures on one S3 server. The fake's own step, a timer of 1 ms, is in our figures.
// node_modules/.bin/node --import ./test/support/run-typescript.mjs bench/b4_gateway.ts
import { hasPostgres, PostgresServer } from '../test/support/postgres-server.js';
import { RunningService } from '../test/support/running-service.js';
import { S3Server } from '../test/support/s3-server.js';
import { runBench, type Arms } from './arms.js';
import { median, sizeOfPng, spread } from './memories.js';
import { Prototype } from './prototype.js';
import { ask, lanes, newArm, putAvatars, takeTurns, type Arm } from './round_trips.js';
import { compared, tell, verdict } from './rows.js';

const rounds = 5;
const generationMs = 1300;

/** The prototype first. */
async function start(arms: Arms, s3: S3Server): Promise<Arm[]> {
  const env = { ...s3.settings, ILLUSTRATOR: 'fake', LOG_LEVEL: 'info' };
  const prototype = await arms.started(Prototype.start({ ...s3.settings, PROTOTYPE_INFERENCE: 'stub' }));
  const embedded = await arms.started(RunningService.start(env));
  const started = [
    { name: 'prototype', url: prototype.url },
    { name: 'embedded database', url: embedded.url },
  ];
  if (hasPostgres) {
    const database = await arms.started(PostgresServer.start({ isDurable: true }));
    const service = await arms.started(RunningService.start({ ...env, DATABASE_URL: database.url }));
    started.push({ name: 'PostgreSQL server', url: service.url });
  } else {
    console.log('There is no PostgreSQL on this machine: that arm is left out.');
  }
  return started.map(newArm);
}

async function b4(arms: Arms): Promise<void> {
  const s3 = await arms.started(S3Server.start({ keepsAlive: true }));
  await putAvatars(s3);
  const all = await start(arms, s3);
  const sizes = new Set<string>();
  for (const { url } of all) sizes.add(sizeOfPng((await s3.get((await ask(url, 0)).uri)).body));
  if (sizes.size !== 1) throw new Error(`the arms draw pictures of different size: ${[...sizes].join(', ')}`);
  await takeTurns(all, rounds);
  const [prototype, ...ours] = all;
  if (prototype !== undefined) ours.forEach((arm) => tellOf(arm, prototype));
}

function tellOf(arm: Arm, prototype: Arm): void {
  const latency = compared(arm.p50Ms, prototype.p50Ms);
  const rate = compared(arm.perSecond, prototype.perSecond);
  const shares = arm.p50Ms.map((ms) => (100 * ms) / generationMs);
  tell([
    {
      id: 'B4',
      what: `REST round trip, one caller, p50 ms; ${arm.name}`,
      baseline: `prototype: ${spread(prototype.p50Ms)}`,
      ours: spread(arm.p50Ms),
      ratio: latency.text,
      goal: '<= 1.0',
      verdict: verdict(latency.ratio <= 1),
    },
    {
      id: 'B4',
      what: `REST round trips, ${lanes} callers, requests/s; ${arm.name}`,
      baseline: `prototype: ${spread(prototype.perSecond)}`,
      ours: spread(arm.perSecond),
      ratio: rate.text,
      goal: '>= 2.0',
      verdict: verdict(rate.ratio >= 2),
    },
    {
      id: 'B4',
      what: `p50 as share of a ${generationMs / 1000} s generation, %; ${arm.name}`,
      baseline: '-',
      ours: spread(shares, 2),
      ratio: '-',
      goal: '< 1',
      verdict: verdict(median(shares) < 1),
    },
  ]);
}

await runBench(b4);
