// What `npm start` runs once everything is set up: worker and gateway in the foreground, until SIGINT or SIGTERM.
import process from 'node:process';
import { CommandFailed, printFailure } from '../progress.mjs';
import { watchParent } from './parent-watch.mjs';
import { placeSampleAvatar, realModelSettings, sampleUser } from './sample-avatar.mjs';
import { startService, waitUntilHealthy } from './service.mjs';

/** Real SDXL may have to be downloaded first. */
const modelLoadTimeoutMs = 3_600_000;

const say = (line) => console.log(line);
const service = startService({ stdio: 'inherit', report: (line) => console.error(`! ${line}`) });
const isFileStore = process.env.OBJECT_STORE ? process.env.OBJECT_STORE === 'file' : !process.env.S3_BUCKET_NAME;
if (isFileStore) placeSampleAvatar(service.dataDir);

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

try {
  await waitUntilHealthy(service, {
    timeoutMs: modelLoadTimeoutMs,
    onMessage: (message) => say(`  waiting: ${message}`),
  });
} catch (error) {
  if (!(error instanceof CommandFailed)) throw error;
  if (!isStopping) {
    printFailure(error.message);
    await service.stop();
    process.exit(1);
  }
}
if (!isStopping) announce();

function announce() {
  const token = process.env.AUTH_ENABLED?.toLowerCase() === 'true' ? ' -H "Authorization: Bearer $AUTH_TOKEN"' : '';
  const user = isFileStore ? sampleUser : 'USER';
  say('');
  say(`  The illustration service is ready:  ${service.url}`);
  say(`  Interactive documentation:          ${service.url}/docs`);
  say('  Try it:');
  say(`    curl -s ${service.url}/v1/images/memory${token} -H 'Content-Type: application/json' \\`);
  say(`      -d '{"user_id": "${user}", "prompt": "A beautiful sunset over mountains"}'`);
  if (!process.env.MODEL_PATH) {
    say('  This is the demo model: random weights, so it draws texture, not pictures. For real SDXL set:');
    for (const line of realModelSettings()) say(`    ${line}`);
  }
  say('');
}
