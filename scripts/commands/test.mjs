// Every test, the fast ones first; stops at the first suite that fails. `npm test -- worker` runs one suite. At the end
// what the processes under test have logged is searched for the words that callers gave them.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { inRoot, node24, nodeTool, pythonTool, workerFolder } from '../paths.mjs';
import { scanLogs } from '../privacy/canary.mjs';
import { CommandFailed, exitCode } from '../progress.mjs';
import { fuzzBriefly } from './fuzz.mjs';
import { ensureS3Server } from '../setup/s3-server.mjs';
import { setUpTests } from '../setup/setup.mjs';

/** `logs`: it has processes that log. */
const suites = {
  scripts: { command: node24, args: ['--test', 'scripts/tests/*.test.mjs'] },
  gateway: { command: nodeTool('vitest'), args: ['run', '--project', 'unit', '--maxWorkers=2'] },
  worker: {
    command: pythonTool('pytest'),
    args: ['-n', '2', '--dist', 'loadfile', 'tests/unit', 'tests/component'],
    cwd: workerFolder,
    logs: true,
  },
  fuzz: { run: fuzzBriefly },
  e2e: { command: nodeTool('vitest'), args: ['run', '--project', 'e2e'], logs: true },
};

export default async function test(names) {
  await setUpTests();
  await ensureS3Server();
  // Torch with two threads on two shared cores is 3 to 8 times slower than with one.
  process.env.OMP_NUM_THREADS = '1';
  const unknown = names.filter((name) => !Object.hasOwn(suites, name));
  if (unknown.length > 0)
    throw new CommandFailed(`no such suite: ${unknown.join(', ')}; there are ${Object.keys(suites).join(', ')}.`);
  const chosen = Object.entries(suites).filter(([name]) => names.length === 0 || names.includes(name));
  const logs = fs.mkdtempSync(path.join(os.tmpdir(), 'illustration-test-logs-'));
  process.env.TEST_LOGS = logs;
  for (const [name, suite] of chosen) await runSuite(name, suite);
  searchLogs(logs, { mustBeSome: chosen.some(([, suite]) => suite.logs === true) });
  fs.rmSync(logs, { recursive: true });
  return 0;
}

async function runSuite(name, { run, command, args, cwd }) {
  console.log(`\n== ${name}`);
  const start = Date.now();
  const code = await (run ? run() : exitCode(command, args, { cwd: cwd ?? inRoot() }));
  const seconds = ((Date.now() - start) / 1000).toFixed(1);
  if (code !== 0)
    throw new CommandFailed(
      `the suite \`${name}\` failed after ${seconds} s (exit code ${code}); alone: npm test -- ${name}`,
    );
  console.log(`== ${name}: passed in ${seconds} s`);
}

/** Fails when a log repeats what a caller said, or when there is none to look into. The logs are kept then. */
function searchLogs(folder, { mustBeSome }) {
  const { files, lines, leaks } = scanLogs(folder);
  if (leaks.length > 0) throw new CommandFailed(`logs repeat what callers said:\n  ${leaks.join('\n  ')}`);
  if (mustBeSome && lines === 0) throw new CommandFailed(`no test has logged anything into ${folder}`);
  console.log(`\n== logs: ${lines} lines in ${files} files, none with a caller's words`);
}
