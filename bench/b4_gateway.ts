// B4: REST round trip with a drawing that is there at once: gateway (fake illustrator) / prototype (stubbed inference).
// Both keep avatars and pictures on one S3 server. The fake's own step, a timer of 1 ms, is in our figures.
import { portrait } from '../test/support/avatars.js';
import { RunningService } from '../test/support/running-service.js';
import { S3Server } from '../test/support/s3-server.js';
import { askMemory, median, spread } from './memories.js';
import { Prototype } from './prototype.js';

const rounds = 5;
const calls = 60;
const lanes = 8;
const generationMs = 1300;

interface Figures {
  p50Ms: number[];
  perSecond: number[];
}

async function measure(url: string, figures: Figures): Promise<void> {
  const ask = async (number: number): Promise<number> => {
    const user = `user_${number % lanes}`;
    const answer = await askMemory(url, { user_id: user, prompt: `prompt ${number}`, num_inference_steps: 1 });
    if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}: ${answer.text}`);
    return answer.ms;
  };
  const alone: number[] = [];
  for (let number = 0; number < calls; number += 1) alone.push(await ask(number));
  const begun = performance.now();
  const share = Array.from({ length: calls / lanes }, (_, index) => index);
  await Promise.all(
    Array.from({ length: lanes }, async (_, lane) => {
      for (const index of share) await ask(lane + index * lanes);
    }),
  );
  figures.p50Ms.push(median(alone));
  figures.perSecond.push((share.length * lanes * 1000) / (performance.now() - begun));
}

const s3 = await S3Server.start();
for (let user = 0; user < lanes; user += 1) await s3.put(`avatars/user_${user}.png`, portrait);
const service = await RunningService.start({ ...s3.settings, ILLUSTRATOR: 'fake', LOG_LEVEL: 'info' });
const prototype = await Prototype.start({ ...s3.settings, PROTOTYPE_INFERENCE: 'stub' });
const ours: Figures = { p50Ms: [], perSecond: [] };
const baseline: Figures = { p50Ms: [], perSecond: [] };
try {
  const arms = [
    { url: prototype.url, figures: baseline },
    { url: service.url, figures: ours },
  ];
  for (const { url } of arms) await measure(url, { p50Ms: [], perSecond: [] }); // not counted: what happens once only
  for (let round = 0; round < rounds; round += 1) {
    for (const { url, figures } of round % 2 === 0 ? arms : arms.toReversed()) await measure(url, figures);
  }
} finally {
  await prototype.stop();
  await service.stop();
  await s3.stop();
}
const ratios = (of: keyof Figures): number[] => ours[of].map((value, round) => value / (baseline[of][round] ?? 0));
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
console.log(
  `| B4 p50 as % of a 1.3 s generation | ${spread(share, 2)} | - | - | < 1 | ${met(median(share) < 1)} |`,
);
