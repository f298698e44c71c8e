import { step } from '../progress.mjs';
import { generateCode } from '../setup/generated-code.mjs';
import { ensureNodePackages } from '../setup/node-packages.mjs';
import { ensurePython } from '../setup/python.mjs';

export default async function proto() {
  await ensureNodePackages();
  await ensurePython();
  await step('Code from proto/ (TypeScript, Python)', generateCode);
  return 0;
}
