// Every test, the fast ones first; stops at the first suite that fails. `npm test -- worker` runs one suite.
import { inRoot, node24, nodeTool, pythonTool, workerFolder } from '../paths.mjs';
import { CommandFailed, exitCode } from '../progress.mjs';
import { fuzzBriefly } from './fuzz.mjs';
import { ensureS3Server } from '../setup/s3-server.mjs';
import { setUpService } from '../setup/setup.mjs';

const suites = {
  scripts: { command: node24, args: ['--test', 'scripts/tests/*.test.mjs'] },
  gateway: { command: nodeTool('vitest'), args: ['run', '--project', 'unit'] },
  worker: { command: pythonTool('pytest'), args: ['tests/unit', 'tests/component'], cwd: workerFolder },
  fuzz: { run: fuzzBriefly },
  e2e: { command: nodeTool('vitest'), args: ['run', '--project', 'e2e'] },
};

export default async function test(names) {
  await setUpService();
  await ensureS3Server();
  // Torch with two threads on two shared cores is 3 to 8 times slower than with one.
  process.env.OMP_NUM_THREADS = '1';
  const unknown = names.filter((name) => !Object.hasOwn(suites, name));
  if (unknown.length > 0)
    throw new CommandFailed(`no such suite: ${unknown.join(', ')}; there are ${Object.keys(suites).join(', ')}.`);
  for (const [name, { run, command, args, cwd }] of Object.entries(suites)) {
    if (names.length > 0 && !names.includes(name)) continue;
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
  return 0;
}
