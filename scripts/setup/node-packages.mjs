// node_modules, exactly as package-lock.json says; Node 24 comes with it.
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { node24 } from '../paths.mjs';
import { CommandFailed, run, step } from '../progress.mjs';
import { makeIfChanged } from './stamp.mjs';

export function ensureNodePackages() {
  return makeIfChanged({
    stamp: 'node_modules/.setup-stamp',
    product: 'node_modules/node/bin/node',
    inputs: ['package-lock.json'],
    make: () =>
      step('Node packages (npm ci)', async () => {
        const npm = process.env.npm_execpath;
        const [command, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
        await run('npm-ci', command, [...first, 'ci', '--no-audit', '--no-fund'], {
          hint: 'Is the npm registry reachable?',
        });
        const probe = spawnSync(node24, ['--version'], { encoding: 'utf8' });
        if (probe.status !== 0) {
          throw new CommandFailed(
            'the npm package `node` did not install its binary: are install scripts switched off (npm config get ignore-scripts)?',
          );
        }
      }),
  });
}
