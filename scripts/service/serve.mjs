// What `npm start` runs once everything is set up: worker and gateway in the foreground, until SIGINT or SIGTERM.
import process from 'node:process';
import { CommandFailed, printFailure } from '../progress.mjs';
import { isBuiltIn } from './models.mjs';
import { watchParent } from './parent-watch.mjs';
import { drawnPersonMemory, placeSampleAvatars, realModelSettings, sampleMemory } from './sample-users.mjs';
import { isTaken, serviceUrl, startService, waitUntilHealthy } from './service.mjs';

/** Real SDXL may have to be downloaded first. */
const modelLoadTimeoutMs = 3_600_000;

const say = (line) => console.log(line);
if (await isTaken(serviceUrl(process.env))) {
  printFailure(
    `${serviceUrl(process.env)} is in use: stop what listens there, or choose another port (PORT=8001 npm start).`,
  );
  process.exit(1);
}
const service = startService({ stdio: 'inherit', report: (line) => console.error(`! ${line}`) });
const isFileStore = process.env.OBJECT_STORE ? process.env.OBJECT_STORE === 'file' : !process.env.S3_BUCKET_NAME;
if (isFileStore) placeSampleAvatars(service.dataDir);

let isStopping = false;
async function stop() {
  if (isStopping) return;
  isStopping = true;
  say('Stopping: requests in flight finish first.');
  process.exit(await service.stop());
}
process.on('SIGINT', stop);
process.on('SIGTERM', stop);
watchParent(stop);
void service.ended.then(async ({ name, why }) => {
  if (isStopping) return;
  isStopping = true;
  printFailure(`the ${name} ${why}; its last lines above say why.`);
  await service.stop();
  process.exit(1);
});

try {
  await waitUntilHealthy(service, {
    timeoutMs: modelLoadTimeoutMs,
    onMessage: (message) => say(`  waiting: ${message}`),
  });
  if (!isStopping) announce();
} catch (error) {
  if (!(error instanceof CommandFailed)) throw error;
  // A process that has ended is told of by `ended`.
  if (!isStopping) {
    printFailure(error.message);
    await service.stop();
    process.exit(1);
  }
}

function announce() {
  const token = process.env.AUTH_ENABLED?.toLowerCase() === 'true' ? ' -H "Authorization: Bearer $AUTH_TOKEN"' : '';
  const drawsBuiltIn = isBuiltIn(process.env);
  const requests = [isFileStore ? sampleMemory : { ...sampleMemory, user_id: 'USER' }];
  if (isFileStore && drawsBuiltIn) requests.push(drawnPersonMemory);
  say('');
  say(`  The illustration service is ready:  ${service.url}`);
  say(`  Interactive documentation:          ${service.url}/docs`);
  say('  Try it:');
  for (const request of requests) {
    say(`    curl -s ${service.url}/v1/images/memory${token} -H 'Content-Type: application/json' \\`);
    say(`      -d '${JSON.stringify(request)}'`);
  }
  if (drawsBuiltIn) {
    say(
      '  The built-in sketch model draws: a small world of about fifty things and people, 128 x 128 pixels. It takes looks',
    );
    say('  from drawn portraits, not from photos. For real SDXL set:');
    for (const line of realModelSettings()) say(`    ${line}`);
  }
  say('');
}
