// Requests, keys, headers, pictures and LoRAs that nobody thought of. `npm run fuzz` goes on for two minutes, FUZZ_SECONDS
// for as long as you like; `npm test` runs the short form. FUZZ_SEED repeats a run.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { childEnvironment, inRoot, node24, nodeTool, pythonTool, workerFolder } from '../paths.mjs';
import { exitCode } from '../progress.mjs';
import { freePort, startService, waitUntilHealthy } from '../service/service.mjs';
import { ensureFuzzTools, fuzzTool } from '../setup/fuzz-tools.mjs';
import { setUpService } from '../setup/setup.mjs';

/** Pictures, LoRAs, and the five RPCs. */
const workerParts = 7;

const checks = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_schema_conformance',
  'allow_header_conformance',
  'problem_of_the_catalogue',
];

export default async function fuzz() {
  await setUpService();
  await ensureFuzzTools();
  return fuzzFor(Number(process.env.FUZZ_SECONDS ?? 120));
}

/**
 * All parts, one after the other, in about so many seconds.
 * @param {number} seconds
 * @param {string[]} phases schemathesis' own words for its time, or its number of requests
 * @returns the exit code
 */
async function fuzzFor(seconds, phases = ['--max-time', String(Math.ceil(seconds / 2))]) {
  const seed = process.env.FUZZ_SEED ?? String(Date.now() % 2 ** 31);
  console.log(`FUZZ_SEED=${seed}`);
  const each = Math.ceil(seconds / 4);
  const parts = [
    () => fuzzRest({ phases, seed }),
    () => fuzzGateway({ seconds: each, seed }),
    () => fuzzWorker({ seconds: each, seed }),
  ];
  for (const part of parts) {
    const code = await part();
    if (code !== 0) return code;
  }
  return 0;
}

/** Requests made from the OpenAPI document, good and bad ones, against the running gateway. */
async function fuzzRest({ phases, seed }) {
  const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'illustration-fuzz-'));
  const env = {
    DATA_DIR: dataDir,
    PORT: String(await freePort()),
    GRPC_PORT: '0',
    ILLUSTRATOR: 'fake',
    LOG_LEVEL: 'warn',
    REQUEST_TIMEOUT_SECONDS: '2',
    AUTH_ENABLED: '',
    DATABASE_URL: '',
    S3_BUCKET_NAME: '',
  };
  const service = startService({ env, stdio: ['ignore', 'ignore', 'inherit'] });
  try {
    await waitUntilHealthy(service, { timeoutMs: 60_000 });
    const code = await exitCode(fuzzTool('st'), schemathesisWords(service.url, { phases, seed }), {
      env: {
        ...process.env,
        SCHEMATHESIS_HOOKS: 'problem_check',
        PYTHONPATH: inRoot('test', 'fuzz'),
        PROBLEM_CATALOGUE: catalogue(),
      },
      cwd: dataDir,
    });
    await waitUntilHealthy(service, { timeoutMs: 5_000 });
    return code;
  } finally {
    await service.stop();
    fs.rmSync(dataDir, { recursive: true, force: true });
  }
}

function schemathesisWords(url, { phases, seed }) {
  const words = [
    `run ${url}/openapi.json --url ${url} --seed ${seed}`,
    `--checks ${checks.join()} --max-response-time 5 --request-timeout 10`,
    '--workers 1 --no-color --warnings off --suppress-health-check all',
    '--exclude-path-regex /events$',
  ];
  // Nobody is to wait for pictures: jobs are accepted, looked at and cancelled.
  return [...words.join(' ').split(' '), ...phases, '--header', 'Prefer: respond-async'];
}

/** Slug -> HTTP status, as the gateway has it. */
function catalogue() {
  const module = new URL(`file://${inRoot('dist', 'gateway', 'errors', 'catalogue.js')}`).href;
  const text = `import { catalogue } from '${module}';
    process.stdout.write(JSON.stringify(Object.fromEntries(Object.entries(catalogue).map(([slug, row]) => [slug, row.httpStatus]))));`;
  return execFileSync(node24, ['--input-type=module', '-e', text], { encoding: 'utf8' });
}

/** Fields, keys and headers, and messages of every RPC, by fast-check. */
function fuzzGateway({ seconds, seed }) {
  const words = ['run', '--project', 'unit', 'test/contract/fuzz.spec.ts', 'test/contract/fuzz-rpcs.spec.ts'];
  return exitCode(nodeTool('vitest'), words, {
    env: { ...childEnvironment(), FUZZ_SECONDS: String(seconds), FUZZ_SEED: seed },
  });
}

/** Pictures and LoRAs at the worker's own readers, and messages of every RPC. */
function fuzzWorker({ seconds, seed }) {
  const words = ['-m', 'pytest', 'tests/component/test_file_fuzz.py', 'tests/component/rpc/test_rpc_fuzz.py'];
  return exitCode(pythonTool('python'), words, {
    cwd: workerFolder,
    env: { ...childEnvironment(), FUZZ_SECONDS: String(seconds / workerParts), FUZZ_SEED: seed },
  });
}

/** The short form, for `npm test`: whose parts in vitest and pytest run with their own suites. @returns the exit code */
export async function fuzzBriefly() {
  await ensureFuzzTools();
  const seed = process.env.FUZZ_SEED ?? String(Date.now() % 2 ** 31);
  console.log(`FUZZ_SEED=${seed}`);
  return fuzzRest({ phases: ['--phases', 'fuzzing', '--max-examples', '20'], seed });
}
