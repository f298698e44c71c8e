// A stamp remembers from which inputs something was made, so that a second run takes no time and a changed input is noticed.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { inRoot } from '../paths.mjs';

/** Files below a folder, sorted; the folder itself may be a file. */
function filesBelow(target) {
  if (!fs.existsSync(target)) return [];
  if (fs.statSync(target).isFile()) return [target];
  return fs
    .readdirSync(target, { withFileTypes: true })
    .filter((entry) => !['__pycache__', 'node_modules'].includes(entry.name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => filesBelow(path.join(target, entry.name)));
}

function digest(inputs, version) {
  const hash = createHash('sha256').update(version);
  for (const input of inputs) {
    for (const file of filesBelow(inRoot(input)))
      hash.update(`${path.relative(inRoot(), file)}\0`).update(fs.readFileSync(file));
  }
  return hash.digest('hex');
}

/**
 * Runs `make` unless `product` exists and was made from the same inputs.
 * @param {{stamp: string, product: string, inputs: string[], version?: string, make: () => Promise<void>}} options
 *   paths relative to the root; `version` is an input that is not a file
 */
export async function makeIfChanged({ stamp, product, inputs, version = '', make }) {
  const file = inRoot(stamp);
  const wanted = digest(inputs, version);
  const isFresh = fs.existsSync(inRoot(product)) && fs.existsSync(file) && fs.readFileSync(file, 'utf8') === wanted;
  if (isFresh) return;
  fs.rmSync(file, { force: true });
  await make();
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, wanted);
}
