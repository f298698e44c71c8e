// schemathesis in an environment of its own: none of what it needs belongs into the worker's.
import fs from 'node:fs';
import path from 'node:path';
import { inRoot, pythonTool } from '../paths.mjs';
import { run, step } from '../progress.mjs';
import { makeIfChanged } from './stamp.mjs';

const folder = inRoot('.cache', 'fuzz');
export const fuzzTool = (name) => path.join(folder, 'bin', name);

export function ensureFuzzTools() {
  const lock = inRoot('worker-python', 'requirements-fuzz.lock');
  return makeIfChanged({
    stamp: '.cache/fuzz/.setup-stamp',
    product: '.cache/fuzz/bin/st',
    inputs: ['worker-python/requirements-fuzz.lock'],
    make: () =>
      step('Python packages: schemathesis', async () => {
        fs.rmSync(folder, { recursive: true, force: true });
        await run('fuzz-venv', pythonTool('python'), ['-m', 'venv', folder]);
        const packages = ['install', '--require-hashes', '--no-deps', '-r', lock];
        await run('fuzz-pip', fuzzTool('pip'), packages, { hint: 'Is the Python package index reachable?' });
      }),
  });
}
