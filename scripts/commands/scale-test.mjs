// How far it scales on this machine: N gateways and N workers on one PostgreSQL and one S3 server, kills, the scaling signal.
// `npm run scale-test -- 1 2 4 8` chooses the numbers.
import { inRoot, nodeTool } from '../paths.mjs';
import { CommandFailed, exitCode } from '../progress.mjs';
import { ensureS3Server } from '../setup/s3-server.mjs';
import { setUpService } from '../setup/setup.mjs';

export default async function scaleTest(numbers) {
  if (!numbers.every((one) => /^[1-9]\d?$/.test(one))) {
    throw new CommandFailed(
      'usage: npm run scale-test -- [NUMBER OF PODS]...   for example: npm run scale-test -- 1 2 4',
    );
  }
  await setUpService();
  await ensureS3Server();
  process.env.OMP_NUM_THREADS = '1';
  if (numbers.length > 0) process.env.SCALE_PODS = numbers.join(' ');
  return exitCode(nodeTool('vitest'), ['run', '--project', 'scale'], { cwd: inRoot() });
}
