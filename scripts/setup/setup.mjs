// Everything the other commands need, in order; each step does nothing when its product is there and current.
import { ensureRandomModel } from './random-model.mjs';
import { ensureGatewayBuild } from './gateway-build.mjs';
import { ensureGeneratedCode } from './generated-code.mjs';
import { ensureNodePackages } from './node-packages.mjs';
import { ensurePython } from './python.mjs';

export async function setUpTools() {
  await ensureNodePackages();
  await ensurePython();
  await ensureGeneratedCode();
}

export async function setUpService() {
  await setUpTools();
  await ensureGatewayBuild();
}

/** For tests and benchmarks that draw with random weights. */
export async function setUpTests() {
  await setUpService();
  await ensureRandomModel();
}
