// The two models that are there without a download, as settings of the worker.
import { inRoot, randomModelFolder } from '../paths.mjs';

const fromFolder = (folder, adapter) => ({
  MODEL_PATH: folder,
  IP_ADAPTER: folder,
  IP_ADAPTER_SUBFOLDER: 'sdxl_models',
  IP_ADAPTER_WEIGHTS: adapter,
  HF_HUB_OFFLINE: '1',
});

/** The built-in sketch model, which draws where nobody names a model. Its weights are in the repository. */
export const sketchModel = fromFolder(inRoot('worker-python', 'models', 'sketch'), 'ip-adapter_sdxl.safetensors');

/** Denoising steps that the sketch model needs. More change nothing that an eye or its reader sees, and take their time. */
export const sketchSteps = '12';

/** Random weights, SDXL's whole topology, sizes from 64 pixels on: for tests and benchmarks, once `setUpTests` has made it. */
export const randomModel = fromFolder(randomModelFolder, 'ip-adapter_sdxl_vit-h.safetensors');
