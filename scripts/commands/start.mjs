import { spawn } from 'node:child_process';
import process from 'node:process';
import { childEnvironment, inRoot, node24 } from '../paths.mjs';
import { setUpService } from '../setup/setup.mjs';

export default async function start() {
  await setUpService();
  // Node 24 reads .env, which the Node that runs this may not be able to.
  const child = spawn(node24, ['--env-file-if-exists=.env', inRoot('scripts', 'service', 'serve.mjs')], {
    stdio: 'inherit',
    env: childEnvironment(),
  });
  // Ctrl-C reaches the child as well; a signal sent to this process alone is passed on.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
}
