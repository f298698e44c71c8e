import { chmod, readFile, rename, stat, writeFile } from 'node:fs/promises';

import { makeApiKey } from './api-key.js';
import { type ApiKeyEntry, apiKeyEntry, ApiKeyFileError, parseApiKeyFile } from './api-key-file.js';
import type { Scope } from './scopes.js';

/** Its owner and their group: the service needs to read it, and nobody else may write it. */
const newFileMode = 0o640;

export interface KeyWish {
  tenant: string;
  scopes: Scope[];
  /** ISO 8601; undefined: it does not run out. */
  notAfter: string | undefined;
}

/**
 * Adds a key to the file, which is made if there is none.
 *
 * @returns the key, which is written down nowhere
 * @throws ApiKeyFileError when the file, or the wish, is not valid
 */
export async function addApiKey(path: string, { tenant, scopes, notAfter }: KeyWish): Promise<string> {
  const { key, id, sha256 } = makeApiKey();
  const entry = { id, sha256, tenant, scopes, ...(notAfter !== undefined && { not_after: notAfter }) };
  const checked = apiKeyEntry.safeParse(entry);
  if (!checked.success) {
    throw new ApiKeyFileError(
      checked.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('; '),
    );
  }
  const file = await contentOf(path);
  await save(path, { ...file, keys: [...file.keys, checked.data] });
  return key;
}

/** @returns false: there is no key with this id */
export async function removeApiKey(path: string, id: string): Promise<boolean> {
  const file = await contentOf(path);
  const keys = file.keys.filter((entry) => entry.id !== id);
  if (keys.length === file.keys.length) return false;
  await save(path, { ...file, keys });
  return true;
}

export async function listApiKeys(path: string): Promise<ApiKeyEntry[]> {
  return (await contentOf(path)).keys;
}

async function contentOf(path: string): Promise<ReturnType<typeof parseApiKeyFile>> {
  try {
    return parseApiKeyFile(await readFile(path, 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { keys: [] };
    throw error;
  }
}

/** In one step: a service that reads it again never sees half a file. */
async function save(path: string, content: object): Promise<void> {
  const mode = (await stat(path).catch(() => undefined))?.mode ?? newFileMode;
  const unfinished = `${path}.${process.pid}.new`;
  await writeFile(unfinished, `${JSON.stringify(content, null, 2)}\n`, { mode, flag: 'wx' });
  await chmod(unfinished, mode & 0o777);
  await rename(unfinished, path);
}
