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

/** Denoising steps that the sketch model needs: its reader finds no more in pictures of 20 (`worker-python/models/sketch/README.md`). */
export const sketchSteps = '12';

/** Settings that name a model, each by itself. */
export const modelSources = ['MODEL_S3_PATH', 'MODEL_FILE', 'MODEL_PATH'];

export const isBuiltIn = (env) => !modelSources.some((name) => env[name]);

/** Settings of the sketch model where `env` names no model; none where it does. */
export function builtInModel(env) {
  if (!isBuiltIn(env)) return {};
  return { ...sketchModel, DEFAULT_NUM_INFERENCE_STEPS: env.DEFAULT_NUM_INFERENCE_STEPS || sketchSteps };
}

/** Random weights, SDXL's whole topology, sizes from 64 pixels on: for tests and benchmarks, once `setUpTests` has made it. */
export const randomModel = fromFolder(randomModelFolder, 'ip-adapter_sdxl_vit-h.safetensors');
