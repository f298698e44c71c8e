// What only benchmarks need (the prototype's own packages), beside the worker's in its environment.
import { inRoot, pythonTool } from '../paths.mjs';
import { run, step } from '../progress.mjs';
import { makeIfChanged } from './stamp.mjs';

export function ensureBenchPackages() {
  return makeIfChanged({
    stamp: 'worker-python/.venv/.bench-stamp', // goes with the environment when that is made anew
    product: 'worker-python/.venv/bin/uvicorn',
    inputs: ['worker-python/requirements-bench.lock'],
    make: () =>
      step('Python packages of the prototype: fastapi, uvicorn, ...', () => {
        const lock = inRoot('worker-python', 'requirements-bench.lock');
        return run('pip-bench', pythonTool('pip'), ['install', '--require-hashes', '--no-deps', '-r', lock]);
      }),
  });
}
