import { readFile } from 'node:fs/promises';

import { z } from 'zod';

import type { Quotas } from '../jobs/domain/quotas.js';
import { scopes } from './scopes.js';

/** Names of tenants go into keys of the database and log lines. */
export const tenantName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be 1 to 64 letters, digits, dots, underscores and hyphens');

const limitRule = z.number().int().positive().optional();

export const apiKeyEntry = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{12}$/, 'must be 12 hexadecimal digits'),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in lower-case hexadecimal'),
  tenant: tenantName,
  scopes: z.array(z.enum(scopes)),
  not_after: z.iso.datetime({ offset: true }).optional(),
});

const file = z.strictObject({
  keys: z.array(apiKeyEntry).refine((keys) => new Set(keys.map(({ id }) => id)).size === keys.length, {
    error: 'has the same id twice',
  }),
  tenants: z
    .record(
      tenantName,
      z.strictObject({ requests_per_minute: limitRule, concurrent_jobs: limitRule, gpu_seconds_per_day: limitRule }),
    )
    .optional(),
});

export type ApiKeyEntry = z.infer<typeof apiKeyEntry>;

/** The file of keys (`API_KEYS_FILE`) as read. It holds digests only: a key itself is nowhere. */
export interface ApiKeyFile {
  readonly keys: readonly ApiKeyEntry[];
  /** Limits of tenants, in place of the service's own. */
  readonly quotas: ReadonlyMap<string, Quotas>;
}

/** What is wrong with the file: places and rules, no values. */
export class ApiKeyFileError extends Error {
  override readonly name = 'ApiKeyFileError';
}

/** @throws ApiKeyFileError */
export async function readApiKeyFile(path: string): Promise<ApiKeyFile> {
  const { keys, tenants = {} } = parseApiKeyFile(await textOf(path));
  const quotas = Object.entries(tenants).map(([tenant, limits]): [string, Quotas] => [
    tenant,
    given({
      requestsPerMinute: limits.requests_per_minute,
      concurrentJobs: limits.concurrent_jobs,
      gpuSecondsPerDay: limits.gpu_seconds_per_day,
    }),
  ]);
  return { keys, quotas: new Map(quotas) };
}

/** What is wrong with the text of such a file; undefined: nothing. */
export function apiKeyFileProblem(text: string): string | undefined {
  try {
    parseApiKeyFile(text);
    return undefined;
  } catch (error) {
    if (error instanceof ApiKeyFileError) return error.message;
    throw error;
  }
}

/** Without the absent members, which would hide the service's own limits. */
function given(limits: Quotas): Quotas {
  return Object.fromEntries(Object.entries(limits).filter(([, limit]) => limit !== undefined));
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new ApiKeyFileError('cannot be read', { cause });
  }
}

/** The text of such a file as it is written. @throws ApiKeyFileError */
export function parseApiKeyFile(text: string): z.infer<typeof file> {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    // The parser's message quotes the file.
    throw new ApiKeyFileError('is not JSON');
  }
  const parsed = file.safeParse(content);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`.trim());
  throw new ApiKeyFileError(problems.join('; '));
}
