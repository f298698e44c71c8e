import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';

import { z } from 'zod';

const packageJson = z.object({ name: z.string(), version: z.string(), description: z.string() }).readonly();

/** What this build calls itself. */
export type ServiceInfo = z.infer<typeof packageJson>;

/** Read from the nearest package.json: sources and compiled code lie at different depths below it. */
function readServiceInfo(): ServiceInfo {
  const file = findPackageJSON(import.meta.url);
  if (file === undefined) {
    throw new Error('there is no package.json above the code');
  }
  return packageJson.parse(JSON.parse(readFileSync(file, 'utf8')));
}

export const serviceInfo = readServiceInfo();
