// Draws a memory from each sample portrait through the whole real chain, prints where the PNGs are, and stops everything.
import fs from 'node:fs';
import path from 'node:path';
import { inRoot } from '../paths.mjs';
import { CommandFailed, printFailure, step } from '../progress.mjs';
import { modelSources } from '../service/models.mjs';
import { drawnPersonMemory, placeSampleAvatars, realModelSettings, sampleMemory } from '../service/sample-users.mjs';
import { freePort, startService, waitUntilHealthy } from '../service/service.mjs';
import { setUpService } from '../setup/setup.mjs';

const pngSignature = Buffer.from('89504e470d0a1a0a', 'hex');

/** The demo shows the embedded defaults, whatever else this shell is set up for. */
const embeddedDefaults = {
  HOST: '127.0.0.1',
  OBJECT_STORE: 'file',
  S3_BUCKET_NAME: '',
  AUTH_ENABLED: 'false',
  ILLUSTRATOR: 'grpc',
  ...Object.fromEntries(modelSources.map((name) => [name, ''])),
  DEFAULT_NUM_INFERENCE_STEPS: '',
  WORKER_ADDRESS: '',
  SERVICE_URL: '',
  GRPC_HOST: '127.0.0.1',
  GRPC_PORT: '0',
  DATABASE_URL: '',
};

export default async function demo() {
  await setUpService();
  const dataDir = inRoot('data', 'demo');
  placeSampleAvatars(dataDir);
  const log = path.join(dataDir, 'service.log');
  const output = fs.openSync(log, 'w');
  const env = { ...embeddedDefaults, PORT: String(await freePort()), GRPC_PORT: '0', DATA_DIR: dataDir };
  const service = startService({ env, stdio: ['ignore', output, output] });
  try {
    await step('Gateway and worker (the model loads and draws once to warm up)', () =>
      waitUntilHealthy(service, { timeoutMs: 180_000 }),
    );
    const files = [];
    await step(`One memory: "${sampleMemory.prompt}", from samples/portrait.jpg`, async () => {
      files.push(await drawMemory(service, sampleMemory));
    });
    await step(`"${drawnPersonMemory.prompt}", from a drawn portrait`, async () => {
      files.push(await drawMemory(service, drawnPersonMemory));
    });
    const [fromPhoto, fromDrawing] = files;
    console.log(`\n  The picture: ${fromPhoto}`);
    console.log(`  The second:  ${fromDrawing}`);
    console.log('               with the glasses of samples/drawn-portrait.png\n');
    console.log(`  What draws: ${await whatDraws(service)}`);
    console.log('  From a photo it takes no looks. Real SDXL does, and takes its place by three settings:');
    for (const line of realModelSettings()) console.log(`    ${line}`);
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    printFailure(`${error.message}\n  The log of the service: ${log}`);
    return 1;
  } finally {
    await service.stop();
    fs.closeSync(output);
  }
  return 0;
}

/** What the model says of itself. */
async function whatDraws(service) {
  const response = await fetch(`${service.url}/v1/models`);
  const body = await response.json();
  if (response.status !== 200) throw new CommandFailed(`the service answered ${response.status}: ${body.detail}`);
  return body.note;
}

/** @returns {Promise<string>} path of the PNG */
async function drawMemory(service, memory) {
  const response = await fetch(`${service.url}/v1/images/memory`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(memory),
  });
  const body = await response.json();
  if (response.status !== 200) throw new CommandFailed(`the service answered ${response.status}: ${body.detail}`);
  const [{ s3_uri: uri, url }] = body.data;
  const picture = await fetch(url);
  const png = Buffer.from(await picture.arrayBuffer());
  if (picture.status !== 200 || !png.subarray(0, 8).equals(pngSignature)) {
    throw new CommandFailed(`${url} did not answer with a PNG (status ${picture.status}).`);
  }
  return path.join(service.dataDir, 'objects', ...new URL(uri).pathname.slice(1).split('/'));
}
