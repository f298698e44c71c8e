// Has failed jobs drawn again. With the embedded database the service must be stopped: one process has it at a time.
import fs from 'node:fs';
import { inRoot, node24 } from '../paths.mjs';
import { exitCode } from '../progress.mjs';
import { ensureGatewayBuild } from '../setup/gateway-build.mjs';
import { setUpTools } from '../setup/setup.mjs';

export default async function redrive(args) {
  await setUpTools();
  await ensureGatewayBuild();
  const envFile = fs.existsSync('.env') ? ['--env-file=.env'] : [];
  return exitCode(node24, [...envFile, '--enable-source-maps', inRoot('dist', 'gateway', 'redrive.js'), ...args]);
}
