import { describe, expect, it } from 'vitest';

import { ConfigError } from './config-error.js';
import { type EnvSource, loadConfig } from './load-config.js';

function problemsOf(source: EnvSource): readonly string[] {
  try {
    loadConfig(source, { workingDir: '/srv' });
  } catch (error) {
    if (error instanceof ConfigError) {
      return error.problems;
    }
    throw error;
  }
  return [];
}

describe('loadConfig', () => {
  it('gives a laptop everything it needs from an empty environment', () => {
    expect(loadConfig({}, { workingDir: '/srv' })).toEqual({
      http: {
        host: '127.0.0.1',
        port: 8000,
        serviceUrl: undefined,
        isDocsEnabled: true,
        cors: undefined,
        requestTimeoutMs: 115_000,
      },
      shutdown: { graceMs: 120_000, delayMs: 0 },
      grpc: { host: '127.0.0.1', port: 50052 },
      metrics: { host: '127.0.0.1', port: undefined },
      tracing: { isEnabled: false, sampler: { name: 'parentbased_always_on', ratio: 1 }, flushEveryMs: 5000 },
      logLevel: 'info',
      dataDir: '/srv/data',
      auth: { isEnabled: false, token: undefined, apiKeysFile: undefined, jwt: undefined },
      quotas: {},
      database: { url: undefined, folder: '/srv/data/database' },
      jobs: {
        maxAttempts: 3,
        maxQueuedJobs: 1000,
        deadlineMs: 3_600_000,
        leaseSeconds: 10,
        stepTimeoutMs: 60_000,
        retentionMs: 90 * 86_400_000,
        abortGraceMs: 5_000,
      },
      resultCache: { url: undefined, ttlMs: 86_400_000, maxEntries: 10_000 },
      worker: { kind: 'grpc', address: '127.0.0.1:50051' },
      store: { kind: 'file', folder: '/srv/data/objects', bucket: 'local' },
      keyPrefixes: { avatar: 'avatars', subject: 'subjects', generated: 'generated', lora: 'loras' },
      loraInstanceToken: 'SKS',
      defaults: {
        numInferenceSteps: 50,
        ipAdapterScale: 0.33,
        guidanceScale: 5,
        loraScale: 1,
        negativePrompt: 'error, glitch, mistake',
        memoryStylePrompt: 'highest quality, monochrome, professional sketch, personal, nostalgic, clean',
        subjectStylePrompt: 'highest quality, professional sketch, monochrome',
      },
    });
  });

  it('traces where a collector is named, unless it is told not to', () => {
    const collector = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' };
    expect(loadConfig(collector).tracing.isEnabled).toBe(true);
    expect(loadConfig({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c/v1/traces' }).tracing.isEnabled).toBe(true);
    expect(loadConfig({ ...collector, OTEL_SDK_DISABLED: 'true' }).tracing.isEnabled).toBe(false);
  });

  it('keeps listening for load balancers after SIGTERM, where there can be one', () => {
    expect(loadConfig({ HOST: '0.0.0.0', ALLOW_NO_AUTH: 'true' }).shutdown.delayMs).toBe(5000);
    expect(loadConfig({ SHUTDOWN_DELAY_SECONDS: '3' }).shutdown.delayMs).toBe(3000);
  });

  it('refuses a key prefix within another: an avatar could be taken for a result', () => {
    expect(problemsOf({ S3_GENERATED_PREFIX: 'images', S3_AVATAR_PREFIX: 'images/avatars' })).toEqual([
      'S3_AVATAR_PREFIX: lies within S3_GENERATED_PREFIX; every kind of object needs a prefix of its own',
    ]);
    expect(problemsOf({ S3_GENERATED_PREFIX: 'images', S3_AVATAR_PREFIX: 'images-of-people' })).toEqual([]);
  });

  it('is frozen to its leaves', () => {
    const config = loadConfig({}) as { http: { port: number } };
    expect(() => {
      config.http.port = 1;
    }).toThrow(TypeError);
  });

  it('takes a bucket to mean S3', () => {
    const config = loadConfig({
      S3_BUCKET_NAME: 'autobio',
      S3_ENDPOINT_URL: 'http://127.0.0.1:7070',
      AWS_ACCESS_KEY_ID: 'id',
      AWS_SECRET_ACCESS_KEY: 'secret',
      S3_AVATAR_PREFIX: 'people/avatars/',
    });
    expect(config.store).toEqual({
      kind: 's3',
      bucket: 'autobio',
      region: 'us-east-1',
      endpointUrl: 'http://127.0.0.1:7070',
      credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
    });
    expect(config.keyPrefixes.avatar).toBe('people/avatars');
  });

  it('takes a server for its database, and nothing that is none', () => {
    const url = 'postgres://user:sesame@db:5432/illustration';
    expect(loadConfig({ DATABASE_URL: url }).database.url).toBe(url);
    expect(problemsOf({ DATABASE_URL: 'mysql://sesame' })).toEqual(['DATABASE_URL: must be a postgres:// URL']);
  });

  it('takes a Redis server for its cache, and nothing that is none', () => {
    expect(loadConfig({ CACHE_URL: 'redis://cache:6379/2' }).resultCache.url).toBe('redis://cache:6379/2');
    expect(problemsOf({ CACHE_URL: 'http://sesame' })).toEqual(['CACHE_URL: must be a redis:// or rediss:// URL']);
    expect(loadConfig({ RESULT_CACHE_TTL_SECONDS: '0' }).resultCache.ttlMs).toBe(0);
  });

  it('keeps files when told so, whatever the bucket', () => {
    expect(loadConfig({ OBJECT_STORE: 'file', S3_BUCKET_NAME: 'autobio' }).store.kind).toBe('file');
  });

  it('leaves credentials to the AWS SDK when none are given', () => {
    expect(loadConfig({ S3_BUCKET_NAME: 'autobio' }).store).toMatchObject({ kind: 's3', credentials: undefined });
  });

  it('takes an empty variable for one that is not set', () => {
    expect(loadConfig({ PORT: '', AUTH_TOKEN: '', SERVICE_URL: ' ' }).http).toMatchObject({
      port: 8000,
      serviceUrl: undefined,
    });
  });

  it("understands the prototype's names and levels, the new names first", () => {
    const config = loadConfig({ UVICORN_PORT: '9000', UVICORN_HOST: 'localhost', UVICORN_LOG_LEVEL: 'warning' });
    expect(config).toMatchObject({ http: { host: 'localhost', port: 9000 }, logLevel: 'warn' });
    expect(loadConfig({ UVICORN_PORT: '9000', PORT: '9001' }).http.port).toBe(9001);
  });

  it('reports everything at once, by name and without values', () => {
    const problems = problemsOf({
      UVICORN_PORT: 'sesame',
      AUTH_ENABLED: 'true',
      OBJECT_STORE: 's3',
      AWS_ACCESS_KEY_ID: 'AKIA-sesame',
      SHUTDOWN_GRACE_SECONDS: '-1',
    });
    expect(problems.map((problem) => problem.split(':')[0])).toEqual([
      'UVICORN_PORT',
      'SHUTDOWN_GRACE_SECONDS',
      'AUTH_TOKEN',
      'AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY',
      'S3_BUCKET_NAME',
    ]);
    expect(problems.join('\n')).not.toContain('sesame');
  });

  it('keeps the token only when auth is on', () => {
    const token = 'a-token-of-16-chars-or-more';
    expect(loadConfig({ AUTH_ENABLED: 'true', AUTH_TOKEN: token }).auth.token).toBe(token);
    expect(loadConfig({ AUTH_TOKEN: token }).auth.token).toBeUndefined();
    expect(problemsOf({ AUTH_ENABLED: 'true', AUTH_TOKEN: 'a token with spaces in it' })).toHaveLength(1);
  });

  it.each(['0.0.0.0', '::', '10.0.0.5', 'gateway.internal'])('refuses to listen on %s for everybody', (HOST) => {
    expect(problemsOf({ HOST })).toEqual([expect.stringContaining('ALLOW_NO_AUTH')]);
    expect(problemsOf({ HOST, ALLOW_NO_AUTH: 'true' })).toEqual([]);
    expect(problemsOf({ HOST, AUTH_ENABLED: '1', AUTH_TOKEN: 'a-token-of-16-chars-or-more' })).toEqual([]);
  });

  it.each(['127.0.0.1', '127.1.2.3', 'localhost', '::1'])('lets %s be open', (HOST) => {
    expect(problemsOf({ HOST })).toEqual([]);
  });
});
