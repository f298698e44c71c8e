// Mixed traffic on the random model for half an hour: does memory, the number of open files or latency grow?
// node_modules/.bin/node --import ./test/support/run-typescript.mjs bench/long_run.ts [--minutes 30] [--pause-ms 3000]
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { freePort } from '../scripts/service/service.mjs';
import { portrait } from '../test/support/avatars.js';
import { RunningService } from '../test/support/running-service.js';
import { SeededRandom } from '../test/support/seeded-random.js';
import { runBench, type Arms } from './arms.js';
import { meansOfStretches, slopeOf, type Point } from './slope.js';
import { mixedCall } from './traffic.js';
import { signsOfGateway, signsOfProcess, type VitalSigns } from './vital_signs.js';

const sampleMs = 5_000;
/** Samples that follow each other closely say the same; their means are told apart. */
const stretchMs = 60_000;
const lanes = 4;
/** Caches fill and heaps find their size first. */
const warmUpShare = 0.3;

interface Pace {
  minutes: number;
  /** Longest rest of a caller between two calls; half of it in the mean. */
  pauseMs: number;
}

interface Told {
  signs: { ms: number; figures: VitalSigns }[];
  latencies: Point[];
  outcomes: Map<string, number>;
}

async function longRun(arms: Arms, { minutes, pauseMs }: Pace): Promise<void> {
  const port = String(await freePort());
  const service = await arms.started(RunningService.start({ LOG_LEVEL: 'warn', METRICS_PORT: port }));
  for (let user = 0; user < lanes; user += 1) service.putObject(`avatars/user_${user}.png`, portrait);
  for (let user = 0; user < lanes; user += 1) service.putObject(`subjects/user_${user}.png`, portrait);
  const told: Told = { signs: [], latencies: [], outcomes: new Map() };
  const begunAt = performance.now();
  const endsAt = begunAt + minutes * 60_000;
  const watch = async (): Promise<void> => {
    while (performance.now() < endsAt) {
      const gateway = await signsOfGateway(`http://127.0.0.1:${port}/metrics`, service.gatewayPid);
      const worker = signsOfProcess(service.workerPid, 'worker');
      told.signs.push({ ms: performance.now() - begunAt, figures: { ...gateway, ...worker } });
      await sleep(sampleMs);
    }
  };
  const call = async (lane: number): Promise<void> => {
    const random = new SeededRandom(lane + 1);
    while (performance.now() < endsAt) {
      const at = performance.now();
      const { kind, status } = await mixedCall(service.url, `user_${lane}`, random);
      const outcome = `${kind} ${status}`;
      told.outcomes.set(outcome, (told.outcomes.get(outcome) ?? 0) + 1);
      if (kind === 'memory') told.latencies.push({ ms: at - begunAt, value: performance.now() - at });
      await sleep(random.integer(0, pauseMs));
    }
  };
  await Promise.all([watch(), ...Array.from({ length: lanes }, (_, lane) => call(lane))]);
  print(minutes, told);
  const log = fs.readFileSync(path.join(service.dataDir, 'service.log'), 'utf8');
  console.log(`\nWarnings of listeners that pile up: ${log.split('MaxListenersExceededWarning').length - 1}`);
}

function print(minutes: number, { signs, latencies, outcomes }: Told): void {
  const warmUpMs = warmUpShare * minutes * 60_000;
  console.log(`\n${minutes} minutes, ${lanes} callers; slopes over the last ${100 - warmUpShare * 100} %,`);
  console.log(`of means over ${stretchMs / 1000} s\n`);
  console.log('| what | at first | at last | slope an hour, and its standard error |\n| --- | --- | --- | --- |');
  const series = Object.keys(signs[0]?.figures ?? {}).map((name) => ({
    name,
    points: signs.map(({ ms, figures }) => ({ ms, value: figures[name] ?? Number.NaN })),
  }));
  for (const { name, points } of [...series, { name: 'memory, round trip, ms', points: latencies }]) {
    const settled = meansOfStretches(
      points.filter(({ ms }) => ms > warmUpMs),
      stretchMs,
    );
    const { perHour, error } = slopeOf(settled);
    const ends = [settled[0], settled.at(-1)].map((point) => point?.value.toFixed(1)).join(' | ');
    console.log(`| ${name} | ${ends} | ${perHour.toFixed(2)} ± ${error.toFixed(2)} |`);
  }
  const counted = [...outcomes].toSorted(([one], [other]) => one.localeCompare(other));
  console.log(`\n${counted.map(([outcome, count]) => `${outcome}: ${count}`).join(', ')}`);
}

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '30' }, 'pause-ms': { type: 'string', default: '3000' } },
});
await runBench((arms) => longRun(arms, { minutes: Number(values.minutes), pauseMs: Number(values['pause-ms']) }));
