// The guide's own load test, ten memories of 20 steps at once, against both services, each with its real engine on the
// same random model: seconds until all ten are there. The prototype has the lock without which it breaks.
// node_modules/.bin/node --import ./test/support/run-typescript.mjs bench/guide_load.ts
import { portrait } from '../test/support/avatars.js';
import { RunningService } from '../test/support/running-service.js';
import { S3Server } from '../test/support/s3-server.js';
import { runBench, type Arms } from './arms.js';
import { askMemory, sizeOfPng, spread } from './memories.js';
import { Prototype } from './prototype.js';
import { compared, tell, verdict } from './rows.js';

const rounds = 5;
const atOnce = 10;
const steps = 20;

interface Arm {
  url: string;
  seconds: number[];
}

async function measure({ url, seconds }: Arm): Promise<string> {
  const begun = performance.now();
  const answers = await Promise.all(
    Array.from({ length: atOnce }, (_, number) =>
      askMemory(url, { user_id: `test_user_${number}`, prompt: `Test prompt ${number}`, num_inference_steps: steps }),
    ),
  );
  seconds.push((performance.now() - begun) / 1000);
  const failed = answers.find(({ status }) => status !== 200);
  if (failed !== undefined) throw new Error(`${url} answered ${failed.status}: ${failed.text}`);
  return answers[0]?.text ?? '';
}

async function guideLoad(arms: Arms): Promise<void> {
  const s3 = await arms.started(S3Server.start({ keepsAlive: true }));
  for (let user = 0; user < atOnce; user += 1) await s3.put(`avatars/test_user_${user}.png`, portrait);
  const prototype = await arms.started(Prototype.start({ ...s3.settings, PROTOTYPE_LOCK: 'true' }));
  const service = await arms.started(RunningService.start({ ...s3.settings, REPRODUCIBLE: 'false' }));
  const baseline: Arm = { url: prototype.url, seconds: [] };
  const ours: Arm = { url: service.url, seconds: [] };
  const both = [baseline, ours];
  const sizes = [];
  for (const { url } of both) sizes.push(sizeOfPng((await s3.get(await measure({ url, seconds: [] }))).body));
  if (sizes[0] !== sizes[1]) throw new Error(`the arms draw pictures of different size: ${sizes.join(', ')}`);
  for (let round = 0; round < rounds; round += 1) {
    for (const arm of round % 2 === 0 ? both : both.toReversed()) await measure(arm);
  }
  const { ratio, text } = compared(ours.seconds, baseline.seconds);
  tell([
    {
      id: 'load',
      what: `the guide's load test, ${atOnce} at once, ${steps} steps, ${sizes[0]}: seconds for all`,
      baseline: `prototype with a lock: ${spread(baseline.seconds)}`,
      ours: spread(ours.seconds),
      ratio: text,
      goal: '<= 1.0',
      verdict: verdict(ratio <= 1),
    },
  ]);
}

await runBench(guideLoad);
