// The file of API keys: what it lets in, and how it changes under a running service.
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { secretPartOf } from '../../../../test/support/api-keys.js';
import { untilTrue } from '../../../../test/support/until-true.js';
import { addApiKey, listApiKeys, removeApiKey } from './api-key-editing.js';
import { ApiKeyFileError } from './api-key-file.js';
import { ApiKeys } from './api-keys.js';

let folder: string;
let path: string;
const opened: ApiKeys[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'illustration-keys-'));
  path = join(folder, 'keys.json');
});
afterEach(() => {
  opened.splice(0).forEach((keys) => keys.onModuleDestroy());
  rmSync(folder, { recursive: true });
});

async function open(file = path): Promise<ApiKeys> {
  const keys = new ApiKeys(file);
  opened.push(keys);
  await keys.onModuleInit();
  return keys;
}

const acme = { tenant: 'acme', scopes: ['generate', 'read'] as ('generate' | 'read')[], notAfter: undefined };

describe('a key', () => {
  it('is known by its whole text, and by nothing else', async () => {
    const key = await addApiKey(path, acme);
    const keys = await open();
    expect(keys.find(key)).toMatchObject({ tenant: 'acme', scopes: ['generate', 'read'] });
    const last = key.at(-1) === 'A' ? 'B' : 'A';
    for (const wrong of ['', key.slice(0, -1), `${key}A`, key.slice(0, -1) + last, key.toUpperCase(), ` ${key}`]) {
      expect(keys.find(wrong)).toBeUndefined();
    }
  });

  it('is not in the file', async () => {
    const key = await addApiKey(path, acme);
    const text = readFileSync(path, 'utf8');
    expect(text).not.toContain(key);
    expect(text).not.toContain(secretPartOf(key));
    expect(statSync(path).mode & 0o007).toBe(0);
  });

  it('runs out', async () => {
    const late = await addApiKey(path, { ...acme, notAfter: '2020-01-01T00:00:00Z' });
    const early = await addApiKey(path, { ...acme, notAfter: '2120-01-01T00:00:00+02:00' });
    const keys = await open();
    expect(keys.find(late)).toBeUndefined();
    expect(keys.find(early)).toBeDefined();
  });

  it('is nothing that a stranger could send', async () => {
    await addApiKey(path, acme);
    const keys = await open();
    const [{ id } = { id: '' }] = await listApiKeys(path);
    const guesses = fc.oneof(
      fc.string(),
      fc.stringMatching(/^[A-Za-z0-9_-]{43}$/).map((rest) => `autobio_${id}_${rest}`),
    );
    const wasFound = (guess: string): boolean => keys.find(guess) !== undefined;
    expect(fc.check(fc.property(guesses, (guess) => !wasFound(guess))).failed).toBe(false);
  });
});

describe('editing', () => {
  it('keeps the other keys and the limits of tenants', async () => {
    writeFileSync(path, JSON.stringify({ keys: [], tenants: { acme: { requests_per_minute: 3 } } }));
    const [first, second] = [await addApiKey(path, acme), await addApiKey(path, { ...acme, tenant: 'other' })];
    const [entry] = await listApiKeys(path);
    expect(await removeApiKey(path, entry?.id ?? '')).toBe(true);
    expect(await removeApiKey(path, entry?.id ?? '')).toBe(false);
    const keys = await open();
    expect(keys.find(first)).toBeUndefined();
    expect(keys.find(second)).toMatchObject({ tenant: 'other' });
    expect(keys.quotasOf('acme')).toEqual({ requestsPerMinute: 3 });
    expect(keys.quotasOf('other')).toBeUndefined();
  });

  it.each([
    ['a tenant that is a path', { ...acme, tenant: '../acme' }],
    ['a date that is none', { ...acme, notAfter: 'tomorrow' }],
  ])('refuses %s', async (_, wish) => {
    await expect(addApiKey(path, wish)).rejects.toThrow(ApiKeyFileError);
  });
});

describe('a running service', () => {
  it('notices a new file, and a revoked key', async () => {
    const first = await addApiKey(path, acme);
    const keys = await open();
    const second = await addApiKey(path, acme);
    await untilTrue('the file is read again', 8000, () => keys.find(second) !== undefined);
    expect(keys.find(first)).toBeDefined();
    const [{ id } = { id: '' }] = await listApiKeys(path);
    await removeApiKey(path, id);
    await untilTrue('the file is read again', 8000, () => keys.find(first) === undefined);
    expect(keys.find(second)).toBeDefined();
  }, 10_000);

  it('notices that a mounted secret was swapped', async () => {
    const [old, fresh] = [join(folder, 'old.json'), join(folder, 'new.json')];
    const [first, second] = [await addApiKey(old, acme), await addApiKey(fresh, acme)];
    symlinkSync(old, path);
    const keys = await open();
    expect(keys.find(first)).toBeDefined();
    symlinkSync(fresh, `${path}.next`);
    await rename(`${path}.next`, path);
    await untilTrue('the file is read again', 8000, () => keys.find(second) !== undefined);
    expect(keys.find(first)).toBeUndefined();
  }, 10_000);

  it('keeps its keys while the file is broken', async () => {
    Logger.overrideLogger(false);
    const key = await addApiKey(path, acme);
    const keys = await open();
    writeFileSync(path, '{"keys": [');
    const other = join(folder, 'other.json');
    const later = await addApiKey(other, acme);
    expect(keys.find(key)).toBeDefined();
    await rename(other, path);
    await untilTrue('the file is read again', 8000, () => keys.find(later) !== undefined);
    expect(keys.find(key)).toBeUndefined();
  }, 10_000);
});

it('does not start with a file that cannot be used', async () => {
  await expect(open(join(folder, 'nowhere.json'))).rejects.toThrow(ApiKeyFileError);
});
