import { spawn } from 'node:child_process';
import fs from 'node:fs';
import process from 'node:process';
import { childEnvironment, inRoot, node24 } from '../paths.mjs';
import { watchParent } from '../service/parent-watch.mjs';
import { setUpService } from '../setup/setup.mjs';

export default async function start() {
  await setUpService();
  // Node 24 reads .env, which the Node that runs this may not be able to.
  const envFile = fs.existsSync('.env') ? ['--env-file=.env'] : [];
  const child = spawn(node24, [...envFile, inRoot('scripts', 'service', 'serve.mjs')], {
    stdio: 'inherit',
    env: childEnvironment(),
  });
  // Ctrl-C reaches the child as well; a signal sent to this process alone is passed on.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  watchParent(() => child.kill('SIGTERM'));
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
}
