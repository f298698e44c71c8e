// The gateway, compiled into dist/gateway.
import { nodeTool } from '../paths.mjs';
import { run, step } from '../progress.mjs';
import { makeIfChanged } from './stamp.mjs';

export function ensureGatewayBuild() {
  return makeIfChanged({
    stamp: 'dist/.gateway-stamp',
    product: 'dist/gateway/main.js',
    inputs: ['apps/gateway/src', 'proto', 'tsconfig.json', 'tsconfig.build.json', 'nest-cli.json', 'package-lock.json'],
    make: () => step('Gateway (nest build)', () => run('nest-build', nodeTool('nest'), ['build'])),
  });
}
