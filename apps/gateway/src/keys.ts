// `npm run keys`: makes, lists and removes the API keys in a file that a running service reads again by itself.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { addApiKey, listApiKeys, removeApiKey } from './auth/api-key-editing.js';
import { ApiKeyFileError } from './auth/api-key-file.js';
import { isScope, scopes } from './auth/scopes.js';
import { apiKeysPath } from './config/api-keys-path.js';

const usage = `usage: npm run keys -- new --tenant NAME --scopes ${scopes.join(',')} [--not-after 2027-12-31T00:00:00Z]
       npm run keys -- list
       npm run keys -- revoke ID
The file is API_KEYS_FILE, or the one that --file names.`;

class UsageError extends Error {
  override readonly name = 'UsageError';
}

interface Words {
  command: string | undefined;
  id: string | undefined;
  values: { file?: string; tenant?: string; scopes?: string; 'not-after'?: string };
}

function read(words: string[]): Words {
  const text = { type: 'string' } as const;
  try {
    const options = { file: text, tenant: text, scopes: text, 'not-after': text };
    const { values, positionals } = parseArgs({ args: words, options, allowPositionals: true });
    return { command: positionals[0], id: positionals[1], values };
  } catch {
    throw new UsageError(usage);
  }
}

async function makeKey(path: string, { values }: Words): Promise<void> {
  const words = (values.scopes ?? '').split(',').filter(Boolean);
  const allowed = words.filter(isScope);
  if (values.tenant === undefined || allowed.length === 0 || allowed.length < words.length) throw new UsageError(usage);
  const key = await addApiKey(path, { tenant: values.tenant, scopes: allowed, notAfter: values['not-after'] });
  process.stdout.write(`${key}\n`);
  process.stderr.write('This is the only time it is shown: the file holds its digest.\n');
}

async function listKeys(path: string): Promise<void> {
  for (const { id, tenant, scopes: allowed, not_after: notAfter = 'for ever' } of await listApiKeys(path)) {
    process.stdout.write(`${id}  ${tenant}  ${allowed.join(',')}  ${notAfter}\n`);
  }
}

async function revokeKey(path: string, id: string): Promise<void> {
  if (!(await removeApiKey(path, id))) throw new ApiKeyFileError(`has no key with the id ${id}`);
  process.stdout.write(`${id} is revoked; running services notice within a second or two\n`);
}

async function main(words: string[]): Promise<void> {
  const wish = read(words);
  const path = wish.values.file === undefined ? apiKeysPath() : resolve(wish.values.file);
  if (path === undefined) throw new UsageError(usage);
  if (wish.command === 'new') await makeKey(path, wish);
  else if (wish.command === 'list') await listKeys(path);
  else if (wish.command === 'revoke' && wish.id !== undefined) await revokeKey(path, wish.id);
  else throw new UsageError(usage);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof ApiKeyFileError || error instanceof UsageError)) throw error;
  process.stderr.write(error instanceof UsageError ? `${error.message}\n` : `The file of keys ${error.message}.\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
