// Mixed traffic on the demo model for half an hour: does memory, the number of open files or latency grow?
// node_modules/.bin/node --import ./test/support/run-typescript.mjs bench/long_run.ts [--minutes 30]
import fs from 'node:fs';
import { parseArgs } from 'node:util';
import { portrait } from '../test/support/avatars.js';
import { RunningService } from '../test/support/running-service.js';
import { SeededRandom } from '../test/support/seeded-random.js';
import { runBench, type Arms } from './arms.js';
import { slopeOf } from './slope.js';
import { mixedCall } from './traffic.js';

const sampleMs = 5_000;
const lanes = 4;
/** Caches fill and heaps find their size first. */
const warmUpShare = 0.3;

interface Sample {
  ms: number;
  figures: Record<string, number>;
}

function figuresOf(pid: number, name: string): Record<string, number> {
  const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
  const numberOf = (field: string): number => Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]);
  return {
    [`${name} resident memory, MB`]: numberOf('VmRSS') / 1024,
    [`${name} threads`]: numberOf('Threads'),
    [`${name} open files`]: fs.readdirSync(`/proc/${pid}/fd`).length,
  };
}

async function longRun(arms: Arms, minutes: number): Promise<void> {
  const service = await arms.started(RunningService.start({ LOG_LEVEL: 'warn' }));
  for (let user = 0; user < lanes; user += 1) service.putObject(`avatars/user_${user}.png`, portrait);
  for (let user = 0; user < lanes; user += 1) service.putObject(`subjects/user_${user}.png`, portrait);
  const begunAt = performance.now();
  const endsAt = begunAt + minutes * 60_000;
  const samples: Sample[] = [];
  const latencies: { ms: number; value: number }[] = [];
  const outcomes = new Map<string, number>();
  const sampler = setInterval(() => {
    const figures = { ...figuresOf(service.gatewayPid, 'gateway'), ...figuresOf(service.workerPid, 'worker') };
    samples.push({ ms: performance.now() - begunAt, figures });
  }, sampleMs);
  await Promise.all(
    Array.from({ length: lanes }, async (_, lane) => {
      const random = new SeededRandom(lane + 1);
      while (performance.now() < endsAt) {
        const at = performance.now();
        const { kind, status } = await mixedCall(service.url, `user_${lane}`, random);
        const outcome = `${kind} ${status}`;
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        if (kind === 'memory') latencies.push({ ms: at - begunAt, value: performance.now() - at });
      }
    }),
  );
  clearInterval(sampler);
  print(minutes, samples, latencies, outcomes);
  const warnings = service.logLines().filter(({ msg }) => msg.includes('MaxListenersExceeded'));
  console.log(`\nWarnings of listeners that pile up: ${warnings.length}`);
}

function print(
  minutes: number,
  samples: readonly Sample[],
  latencies: readonly { ms: number; value: number }[],
  outcomes: ReadonlyMap<string, number>,
): void {
  const settled = <T extends { ms: number }>(points: readonly T[]): T[] =>
    points.filter(({ ms }) => ms > warmUpShare * minutes * 60_000);
  console.log(`\n${minutes} minutes, ${lanes} callers; slopes over the last ${100 - warmUpShare * 100} %\n`);
  console.log('| what | at first | at last | slope an hour, and its standard error |\n| --- | --- | --- | --- |');
  const series = Object.keys(samples[0]?.figures ?? {}).map((name) => ({
    name,
    points: settled(samples).map(({ ms, figures }) => ({ ms, value: figures[name] ?? Number.NaN })),
  }));
  for (const { name, points } of [...series, { name: 'memory, round trip, ms', points: settled(latencies) }]) {
    const { perHour, error } = slopeOf(points);
    const ends = [points[0], points.at(-1)].map((point) => point?.value.toFixed(1)).join(' | ');
    console.log(`| ${name} | ${ends} | ${perHour.toFixed(2)} ± ${error.toFixed(2)} |`);
  }
  console.log(
    `\n${[...outcomes]
      .toSorted(([one], [other]) => one.localeCompare(other))
      .map(([outcome, count]) => `${outcome}: ${count}`)
      .join(', ')}`,
  );
}

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '30' } } });
await runBench((arms) => longRun(arms, Number(values.minutes)));
