// The long form of the fault tests: real processes, hundreds of kills. `npm test` runs the short form.
// `npm run faults -- chaos-embedded` runs one file; FAULTS_SEED repeats the kills of an earlier run.
import { inRoot, nodeTool } from '../paths.mjs';
import { exitCode } from '../progress.mjs';
import { setUpService } from '../setup/setup.mjs';

export default async function faults(names) {
  await setUpService();
  process.env.OMP_NUM_THREADS = '1';
  process.env.FAULTS = 'full';
  const files = names.length > 0 ? names.map((name) => `test/faults/${name}`) : ['test/faults/'];
  return exitCode(nodeTool('vitest'), ['run', '--project', 'e2e', ...files], { cwd: inRoot() });
}
