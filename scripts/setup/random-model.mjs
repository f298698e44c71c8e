// The small model with random weights: SDXL's topology, made from a seed in seconds, loaded by the production loader.
import { demoModelFolder, pythonTool } from '../paths.mjs';
import { run, step } from '../progress.mjs';
import { makeIfChanged } from './stamp.mjs';

export function ensureDemoModel() {
  return makeIfChanged({
    stamp: '.cache/demo-model.stamp',
    product: '.cache/demo-model/model_index.json',
    inputs: ['worker-python/src/illustration_worker/models/demo', 'worker-python/requirements-dev.lock'],
    make: () =>
      step('Demo model (random weights)', () =>
        run('demo-model', pythonTool('python'), ['-m', 'illustration_worker.models.demo', demoModelFolder]),
      ),
  });
}
