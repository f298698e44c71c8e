// What changes are worth: B4's traffic on other checkouts of this repository and on this one, in turns. All are built;
// the others may be copies of older commits with links to node_modules. Name the oldest first.
// node_modules/.bin/node --import ./test/support/run-typescript.mjs bench/b4_builds.ts <other> ... [--postgres] [--rounds 9]
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { inRoot } from '../scripts/paths.mjs';
import { PostgresServer } from '../test/support/postgres-server.js';
import type { RunningService } from '../test/support/running-service.js';
import { S3Server } from '../test/support/s3-server.js';
import { runBench, type Arms } from './arms.js';
import { spread } from './memories.js';
import { lanes, newArm, putAvatars, takeTurns, type Arm } from './round_trips.js';
import { compared } from './rows.js';

const figures = [
  ['one caller, p50 ms', 'p50Ms'],
  [`${lanes} callers, requests/s`, 'perSecond'],
  ['CPU of the gateway, ms a call', 'cpuMs'],
] as const;

async function builds(
  arms: Arms,
  checkouts: string[],
  options: { isOnServer: boolean; rounds: number },
): Promise<void> {
  const s3 = await arms.started(S3Server.start({ keepsAlive: true }));
  await putAvatars(s3);
  const all: Arm[] = [];
  for (const checkout of checkouts) {
    const file = pathToFileURL(path.join(checkout, 'test', 'support', 'running-service.ts'));
    const { RunningService: Service } = (await import(file.href)) as { RunningService: typeof RunningService };
    const env: Record<string, string> = { ...s3.settings, ILLUSTRATOR: 'fake', LOG_LEVEL: 'info' };
    if (options.isOnServer) {
      env['DATABASE_URL'] = (await arms.started(PostgresServer.start({ isDurable: true }))).url;
    }
    const service = await arms.started(Service.start(env));
    all.push(newArm({ name: path.basename(checkout), url: service.url, pid: service.gatewayPid }));
  }
  await takeTurns(all, options.rounds);
  for (const [what, figure] of figures) {
    console.log(`\n| ${what} | figure | to the one before | to the first |\n| --- | --- | --- | --- |`);
    all.forEach((arm, at) => {
      const ratios = [all[at - 1], at === 0 ? undefined : all[0]].map((other) =>
        other === undefined ? '-' : compared(arm[figure], other[figure]).text,
      );
      console.log(`| ${arm.name} | ${spread(arm[figure])} | ${ratios.join(' | ')} |`);
    });
  }
}

const { values, positionals } = parseArgs({
  options: { postgres: { type: 'boolean', default: false }, rounds: { type: 'string', default: '9' } },
  allowPositionals: true,
});
const checkouts = [...positionals.map((folder) => path.resolve(folder)), inRoot()];
await runBench((arms) => builds(arms, checkouts, { isOnServer: values.postgres, rounds: Number(values.rounds) }));
