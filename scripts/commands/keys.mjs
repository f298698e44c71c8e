// Makes, lists and removes API keys. A running service reads the file again by itself.
import fs from 'node:fs';
import { inRoot, node24 } from '../paths.mjs';
import { exitCode } from '../progress.mjs';
import { ensureGatewayBuild } from '../setup/gateway-build.mjs';
import { setUpTools } from '../setup/setup.mjs';

export default async function keys(args) {
  await setUpTools();
  await ensureGatewayBuild();
  const envFile = fs.existsSync('.env') ? ['--env-file=.env'] : [];
  return exitCode(node24, [...envFile, '--enable-source-maps', inRoot('dist', 'gateway', 'keys.js'), ...args]);
}
