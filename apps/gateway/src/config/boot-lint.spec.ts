// Settings that are dangerous, or wrong for this machine, do not start: all problems at once, names and no values.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { ConfigError } from './config-error.js';
import { type EnvSource, loadConfig } from './load-config.js';
import { unknownVariables } from './unknown-variables.js';

const token = 'a-token-of-16-chars-or-more';
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'illustration-lint-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function problemsOf(source: EnvSource): readonly string[] {
  try {
    loadConfig({ DATA_DIR: join(folder, 'data'), ...source }, { workingDir: folder, isBoot: true });
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

function fileOf(name: string, text: string, mode = 0o600): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

describe('what lets strangers in', () => {
  it.each<[string, EnvSource, string]>([
    ['no authentication beyond this machine', { HOST: '0.0.0.0' }, 'HOST'],
    ['no authentication for gRPC beyond this machine', { GRPC_HOST: '::' }, 'GRPC_HOST'],
    ['authentication without a credential', { AUTH_ENABLED: 'true' }, 'AUTH_TOKEN'],
    ['a short token', { AUTH_ENABLED: 'true', AUTH_TOKEN: 'sesame' }, 'AUTH_TOKEN'],
    ['every origin with credentials', { CORS_ORIGINS: '*', CORS_CREDENTIALS: 'true' }, 'CORS_ORIGINS'],
    ['every origin among others', { CORS_ORIGINS: 'https://a.example,*', CORS_CREDENTIALS: '1' }, 'CORS_ORIGINS'],
    ['an origin with a path', { CORS_ORIGINS: 'https://a.example/sesame' }, 'CORS_ORIGINS'],
    [
      'keys of tokens over a line that others share',
      { AUTH_ENABLED: 'true', JWT_ISSUER: 'i', JWT_AUDIENCE: 'a', JWT_JWKS_URL: 'http://sesame.example/keys' },
      'JWT_JWKS_URL',
    ],
    [
      'tokens for any audience',
      { AUTH_ENABLED: 'true', JWT_ISSUER: 'sesame', JWT_JWKS_URL: 'https://i.example/keys' },
      'JWT_ISSUER, JWT_AUDIENCE, JWT_JWKS_URL',
    ],
    ['keys that nobody is asked for', { API_KEYS_FILE: 'sesame.json' }, 'AUTH_ENABLED'],
  ])('refuses %s', (_, source, variable) => {
    const problems = problemsOf(source);
    expect(problems.map((problem) => problem.slice(0, problem.indexOf(':')))).toEqual([variable]);
    expect(problems.join()).not.toContain('sesame');
  });

  it.each<[string, EnvSource]>([
    ['no authentication on purpose', { HOST: '0.0.0.0', ALLOW_NO_AUTH: 'true' }],
    ['one origin with credentials', { CORS_ORIGINS: 'https://a.example', CORS_CREDENTIALS: 'true' }],
    ['every origin without credentials', { CORS_ORIGINS: '*' }],
    [
      'tokens with all that they need',
      { AUTH_ENABLED: 'true', JWT_ISSUER: 'i', JWT_AUDIENCE: 'a', JWT_JWKS_URL: 'https://i.example/keys' },
    ],
  ])('starts with %s', (_, source) => {
    expect(problemsOf(source)).toEqual([]);
  });
});

describe('the file of API keys', () => {
  const withKeys = (path: string): EnvSource => ({ AUTH_ENABLED: 'true', API_KEYS_FILE: path });
  const entry = { id: '0123456789ab', sha256: 'e'.repeat(64), tenant: 'acme', scopes: ['read'] };
  const textOf = (...keys: object[]): string => JSON.stringify({ keys });

  it('is enough of a credential', () => {
    expect(problemsOf(withKeys(fileOf('good.json', textOf(entry))))).toEqual([]);
  });

  it.each<[string, string, RegExp]>([
    ['is no JSON', '{"keys": sesame', /is not JSON$/],
    ['has an unknown scope', textOf({ ...entry, scopes: ['sesame'] }), /keys\.0\.scopes\.0 /],
    ['has a digest that is none', textOf({ ...entry, sha256: 'sesame' }), /keys\.0\.sha256 /],
    ['holds a key itself', textOf({ ...entry, key: 'sesame' }), /keys\.0 /],
    ['has a date that is none', textOf({ ...entry, not_after: 'sesame' }), /keys\.0\.not_after /],
    ['has the same id twice', textOf(entry, entry), /keys has the same id twice/],
    ['has no keys', '{}', /keys /],
  ])('is refused when it %s', (_, text, problem) => {
    const problems = problemsOf(withKeys(fileOf('bad.json', text)));
    expect(problems).toEqual([expect.stringMatching(/^API_KEYS_FILE: /)]);
    expect(problems[0]).toMatch(problem);
    expect(problems[0]).not.toContain('sesame');
  });

  it('is refused when it is not there, or when everybody may write it', () => {
    expect(problemsOf(withKeys('nowhere.json'))).toEqual(['API_KEYS_FILE: cannot be read']);
    const open = fileOf('open.json', textOf(entry), 0o666);
    expect(problemsOf(withKeys(open))).toEqual([expect.stringContaining('everybody')]);
  });
});

describe('the data folder', () => {
  it('may be one that is to be made', () => {
    expect(problemsOf({ DATA_DIR: join(folder, 'a', 'b') })).toEqual([]);
  });

  it('is refused within a file', () => {
    const file = fileOf('a-file', '');
    expect(problemsOf({ DATA_DIR: join(file, 'data') })).toEqual([expect.stringMatching(/^DATA_DIR: /)]);
  });

  // Root may write everywhere but into the kernel's own folders.
  it('is refused where this user may not write', () => {
    expect(problemsOf({ DATA_DIR: '/proc/illustration' })).toEqual([expect.stringMatching(/^DATA_DIR: /)]);
  });
});

describe('variables that are nearly ours', () => {
  it('are named, with what was meant', () => {
    expect(problemsOf({ AUTH_TOKN: 'sesame', S3_BUCKET: 'sesame', QUOTA_REQUESTS_PER_MINUT: '1' })).toEqual([
      'AUTH_TOKN: is not a setting; is AUTH_TOKEN meant?',
      'QUOTA_REQUESTS_PER_MINUT: is not a setting; is QUOTA_REQUESTS_PER_MINUTE meant?',
      'S3_BUCKET: is not a setting',
    ]);
  });

  it('are not those that Kubernetes sets for services of such names', () => {
    const names = [
      'AUTH_SERVICE_HOST',
      'AUTH_SERVICE_PORT',
      'AUTH_SERVICE_PORT_HTTP',
      'S3_PORT',
      'S3_PORT_9000_TCP_ADDR',
    ];
    expect(unknownVariables([...names, 'PATH', 'AUTHORITY', 'AWS_PROFILE', 'LORA_WEIGHTS'])).toEqual([]);
  });
});

it('tells everything at once', () => {
  const problems = problemsOf({
    PORT: 'sesame',
    HOST: '0.0.0.0',
    CORS_ORIGINS: '*',
    CORS_CREDENTIALS: 'true',
    AUTH_TOKN: 'sesame',
    DATA_DIR: '/proc/illustration',
    AWS_ACCESS_KEY_ID: 'sesame',
  });
  expect(problems.map((problem) => problem.split(':')[0])).toEqual([
    'PORT',
    'HOST',
    'CORS_ORIGINS',
    'AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY',
    'AUTH_TOKN',
    'DATA_DIR',
  ]);
  expect(problems.join()).not.toContain('sesame');
});

it('starts with good settings', () => {
  expect(problemsOf({ HOST: '0.0.0.0', AUTH_ENABLED: 'true', AUTH_TOKEN: token })).toEqual([]);
});
