// B4: REST round trip with a drawing that is there at once: gateway (fake illustrator) / prototype (stubbed inference).
// Both keep avatars and pictures on one S3 server. The fake's own step, a timer of 1 ms, is in our figures.
// node_modules/.bin/node --import ./test/support/run-typescript.mjs bench/b4_gateway.ts
import { once } from 'node:events';
import { portrait } from '../test/support/avatars.js';
import { RunningService } from '../test/support/running-service.js';
import { S3Server } from '../test/support/s3-server.js';
import { askMemory, median, sizeOfPng, spread } from './memories.js';
import { Prototype } from './prototype.js';

const rounds = 5;
const calls = 8;
const lanes = 8;
const generationMs = 1300;

interface Arm {
  url: string;
  p50Ms: number[];
  perSecond: number[];
}

const ended: (() => Promise<unknown>)[] = [];

/** Starts one process and remembers to stop it. */
async function started<T extends { stop(): Promise<unknown> }>(starting: Promise<T>): Promise<T> {
  const running = await starting;
  ended.unshift(() => running.stop());
  return running;
}

async function ask(url: string, number: number): Promise<{ ms: number; uri: string }> {
  const user = `user_${number % lanes}`;
  const answer = await askMemory(url, { user_id: user, prompt: `prompt ${number}`, num_inference_steps: 1 });
  if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}: ${answer.text}`);
  return { ms: answer.ms, uri: answer.text };
}

async function measure({ url, p50Ms, perSecond }: Arm): Promise<void> {
  const alone: number[] = [];
  for (let number = 0; number < calls; number += 1) alone.push((await ask(url, number)).ms);
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: lanes }, async (_, lane) => {
      for (let number = lane; number < calls; number += lanes) await ask(url, number);
    }),
  );
  p50Ms.push(median(alone));
  perSecond.push((calls * 1000) / (performance.now() - begun));
}

async function compared(): Promise<{ ours: Arm; baseline: Arm }> {
  const s3 = await started(S3Server.start());
  for (let user = 0; user < lanes; user += 1) await s3.put(`avatars/user_${user}.png`, portrait);
  const service = await started(RunningService.start({ ...s3.settings, ILLUSTRATOR: 'fake', LOG_LEVEL: 'info' }));
  const prototype = await started(Prototype.start({ ...s3.settings, PROTOTYPE_INFERENCE: 'stub' }));
  const [ours, baseline] = [service, prototype].map(({ url }) => ({ url, p50Ms: [], perSecond: [] })) as [Arm, Arm];
  const arms = [baseline, ours];
  const sizes = [];
  for (const { url } of arms) {
    sizes.push(sizeOfPng((await s3.get((await ask(url, 0)).uri)).body));
    await measure({ url, p50Ms: [], perSecond: [] }); // not counted: what happens once only
  }
  console.log(`pictures: ${sizes.join(' and ')}`);
  if (sizes[0] !== sizes[1]) throw new Error('the arms draw pictures of different size');
  for (let round = 0; round < rounds; round += 1) {
    for (const arm of round % 2 === 0 ? arms : arms.toReversed()) await measure(arm);
  }
  return { ours, baseline };
}

function print({ ours, baseline }: { ours: Arm; baseline: Arm }): void {
  const ratios = (of: 'p50Ms' | 'perSecond'): number[] =>
    ours[of].map((value, round) => value / (baseline[of][round] ?? Number.NaN));
  const met = (isMet: boolean): string => (isMet ? 'met' : 'MISSED');
  const [slower, more] = [ratios('p50Ms'), ratios('perSecond')];
  const share = ours.p50Ms.map((ms) => (100 * ms) / generationMs);
  console.log('| what | ours | baseline | ratio | goal | |\n| --- | --- | --- | --- | --- | --- |');
  console.log(
    `| B4 p50, one caller, ms | ${spread(ours.p50Ms)} | ${spread(baseline.p50Ms)} | ${spread(slower, 2)} | <= 1.0 | ${met(median(slower) <= 1)} |`,
  );
  console.log(
    `| B4 requests/s, ${lanes} callers | ${spread(ours.perSecond)} | ${spread(baseline.perSecond)} | ${spread(more, 2)} | >= 2.0 | ${met(median(more) >= 2)} |`,
  );
  console.log(`| B4 p50 as % of a 1.3 s generation | ${spread(share, 2)} | - | - | < 1 | ${met(median(share) < 1)} |`);
}

// A signal ends the run in order; by default it would leave the S3 server, the gateway and the prototype running.
const told = Promise.race(
  ['SIGTERM', 'SIGINT'].map(async (signal) => {
    await once(process, signal);
    throw new Error(`ended by ${signal}`);
  }),
);
try {
  print(await Promise.race([compared(), told]));
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  for (const stop of ended) await stop();
}
process.exit(); // the signal handlers, and after a signal what was interrupted, would keep it alive
