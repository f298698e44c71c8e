import fs from 'node:fs';
import { generatedParts, replacePart } from '../docs/generated-parts.mjs';
import { inRoot } from '../paths.mjs';
import { ensureGatewayBuild } from '../setup/gateway-build.mjs';
import { setUpTools } from '../setup/setup.mjs';

export default async function docs() {
  await setUpTools();
  await ensureGatewayBuild();
  for (const { page, name, text } of generatedParts()) {
    fs.writeFileSync(inRoot(page), replacePart(fs.readFileSync(inRoot(page), 'utf8'), name, text));
    console.log(`  \u2713 ${page}: ${name}`);
  }
  return 0;
}
