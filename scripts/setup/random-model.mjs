// The small model with random weights: SDXL's topology, made from a seed in seconds, loaded by the production loader.
import { pythonTool, randomModelFolder } from '../paths.mjs';
import { run, step } from '../progress.mjs';
import { makeIfChanged } from './stamp.mjs';

export function ensureRandomModel() {
  return makeIfChanged({
    stamp: '.cache/random-model.stamp',
    product: '.cache/random-model/model_index.json',
    inputs: ['worker-python/src/illustration_worker/models/random_weights', 'worker-python/requirements-dev.lock'],
    make: () =>
      step('Model of random weights, for tests', () =>
        run('random-model', pythonTool('python'), [
          '-m',
          'illustration_worker.models.random_weights',
          randomModelFolder,
        ]),
      ),
  });
}
