import fs from 'node:fs';
import path from 'node:path';

/**
 * Where a process under test logs to: into the folder of the whole run, which `npm test` searches for callers' words at
 * its end (TEST_LOGS, see scripts/privacy/canary.mjs), or into the test's own folder when there is none.
 *
 * @param folder of the test, with a name of its own
 */
export function testLogFile(folder: string, name: string): string {
  const { TEST_LOGS: logs } = process.env;
  if (logs === undefined) return path.join(folder, `${name}.log`);
  fs.mkdirSync(logs, { recursive: true });
  return path.join(logs, `${path.basename(folder)}-${name}.log`);
}
