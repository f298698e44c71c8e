// How far it scales on this machine: N gateways and N workers on one PostgreSQL and one S3 server, kills, the scaling signal.
// `npm run scale-test -- 1 2 4 8` chooses the numbers; by default they go by the cores (scripts/service/pod-numbers.mjs).
import os from 'node:os';
import { inRoot, nodeTool } from '../paths.mjs';
import { CommandFailed, exitCode } from '../progress.mjs';
import { podNumbers } from '../service/pod-numbers.mjs';
import { ensureS3Server } from '../setup/s3-server.mjs';
import { setUpTests } from '../setup/setup.mjs';

export default async function scaleTest(numbers) {
  if (!numbers.every((one) => /^[1-9]\d?$/.test(one))) {
    throw new CommandFailed(
      'usage: npm run scale-test -- [NUMBER OF PODS]...   for example: npm run scale-test -- 1 2 4',
    );
  }
  await setUpTests();
  await ensureS3Server();
  process.env.OMP_NUM_THREADS = '1';
  const cores = os.availableParallelism();
  const pods = numbers.length > 0 ? numbers : podNumbers(cores);
  console.log(`pods: ${pods.join(', ')}, on ${cores} cores`);
  process.env.SCALE_PODS = pods.join(' ');
  return exitCode(nodeTool('vitest'), ['run', '--project', 'scale'], { cwd: inRoot() });
}
