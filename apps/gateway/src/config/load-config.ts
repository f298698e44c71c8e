import { resolve } from 'node:path';

import type { AppConfig } from './app-config.js';
import { checkMachine } from './check-machine.js';
import { checkTogether } from './check-together.js';
import { isLoopback } from './loopback.js';
import { ConfigError } from './config-error.js';
import { type Env, envAliases, envSchema } from './env.schema.js';
import { toObservability } from './observability.schema.js';
import { unknownVariables } from './unknown-variables.js';

/** A worker stops within a step; nobody needs to set how long a step may be at most. */
const ABORT_GRACE_MS = 5_000;
const DAY_MS = 86_400_000;
/** Load balancers and kube-proxies take some seconds to learn that an instance is leaving. */
const SHUTDOWN_DELAY_SECONDS = 5;

export type EnvSource = Readonly<Record<string, string | undefined>>;

/**
 * Turns environment variables into the frozen settings.
 *
 * @param options.workingDir what relative paths are relative to.
 * @param options.isBoot look at the machine too: folders, files, names that are nearly ours.
 * @throws ConfigError naming every variable that is wrong, never a value: values can be secrets.
 */
export function loadConfig(
  source: EnvSource,
  { workingDir = process.cwd(), isBoot = false }: { workingDir?: string; isBoot?: boolean } = {},
): AppConfig {
  const given = namesInUse(source);
  const { env, problems } = parse(source, given);
  const reported = new Set(problems.map(variableOf));
  const atBoot = isBoot ? [...unknownVariables(Object.keys(source)), ...checkMachine(env, workingDir)] : [];
  problems.push(...[...checkTogether(env), ...atBoot].filter((problem) => !reported.has(variableOf(problem))));
  if (problems.length > 0) {
    throw new ConfigError(problems);
  }
  return deepFreeze(toConfig(env, workingDir));
}

/** Which variable gives each setting: its own name, else an old one. An empty variable counts as not set. */
function namesInUse(source: EnvSource): Map<string, string> {
  const isSet = (name: string) => (source[name] ?? '').trim() !== '';
  const aliases = Object.entries(envAliases).filter(([alias]) => isSet(alias));
  const names = Object.keys(envSchema.shape).filter(isSet);
  return new Map([
    ...aliases.map(([alias, name]) => [name, alias] as const),
    ...names.map((name) => [name, name] as const),
  ]);
}

/** The settings, a wrong one at its default so that the rest can still be checked, and what is wrong. */
function parse(source: EnvSource, given: ReadonlyMap<string, string>): { env: Env; problems: string[] } {
  const values = new Map([...given].map(([name, variable]) => [name, source[variable]]));
  const parsed = envSchema.safeParse(Object.fromEntries(values));
  if (parsed.success) {
    return { env: parsed.data, problems: [] };
  }
  const problems = parsed.error.issues.map(({ path: [name = ''], message }) => {
    values.delete(String(name));
    return `${given.get(String(name)) ?? String(name)}: ${message}`;
  });
  return { env: envSchema.parse(Object.fromEntries(values)), problems };
}

function variableOf(problem: string): string {
  return problem.slice(0, problem.indexOf(':'));
}

function toConfig(env: Env, workingDir: string): AppConfig {
  const dataDir = resolve(workingDir, env.DATA_DIR);
  return {
    http: {
      host: env.HOST,
      port: env.PORT,
      serviceUrl: env.SERVICE_URL === undefined ? undefined : withoutTrailingSlash(env.SERVICE_URL),
      isDocsEnabled: env.DOCS_ENABLED,
      cors: env.CORS_ORIGINS === undefined ? undefined : toCors(env, env.CORS_ORIGINS),
      requestTimeoutMs: env.REQUEST_TIMEOUT_SECONDS * 1000,
    },
    shutdown: {
      graceMs: env.SHUTDOWN_GRACE_SECONDS * 1000,
      // Nobody balances load in front of an address that only this machine can reach.
      delayMs: (env.SHUTDOWN_DELAY_SECONDS ?? (isLoopback(env.HOST) ? 0 : SHUTDOWN_DELAY_SECONDS)) * 1000,
    },
    grpc: { host: env.GRPC_HOST, port: env.GRPC_PORT },
    ...toObservability(env),
    logLevel: toLogLevel(env.LOG_LEVEL),
    dataDir,
    auth: toAuth(env, workingDir),
    quotas: toQuotas(env),
    database: { url: env.DATABASE_URL, folder: resolve(dataDir, 'database') },
    jobs: toJobs(env),
    resultCache: {
      url: env.CACHE_URL,
      ttlMs: env.RESULT_CACHE_TTL_SECONDS * 1000,
      maxEntries: env.RESULT_CACHE_MAX_ENTRIES,
    },
    worker: env.ILLUSTRATOR === 'fake' ? { kind: 'fake' } : { kind: 'grpc', address: env.WORKER_ADDRESS },
    store: toStore(env, dataDir),
    keyPrefixes: {
      avatar: withoutTrailingSlash(env.S3_AVATAR_PREFIX),
      subject: withoutTrailingSlash(env.S3_SUBJECT_PREFIX),
      generated: withoutTrailingSlash(env.S3_GENERATED_PREFIX),
      lora: withoutTrailingSlash(env.S3_LORA_PREFIX),
    },
    loraInstanceToken: env.LORA_INSTANCE_TOKEN,
    defaults: {
      numInferenceSteps: env.DEFAULT_NUM_INFERENCE_STEPS,
      ipAdapterScale: env.DEFAULT_IP_ADAPTER_SCALE,
      guidanceScale: env.DEFAULT_GUIDANCE_SCALE,
      loraScale: env.DEFAULT_LORA_SCALE,
      negativePrompt: env.DEFAULT_NEGATIVE_PROMPT,
      memoryStylePrompt: env.DEFAULT_MEMORY_STYLE_PROMPT,
      subjectStylePrompt: env.DEFAULT_SUBJECT_STYLE_PROMPT,
    },
  };
}

/** Without `AUTH_ENABLED` no credential is looked at, nor is anything read or fetched for them. */
function toAuth(env: Env, workingDir: string): AppConfig['auth'] {
  const isEnabled = env.AUTH_ENABLED;
  const { JWT_ISSUER: issuer, JWT_AUDIENCE: audience, JWT_JWKS_URL: jwksUrl } = env;
  const hasJwt = issuer !== undefined && audience !== undefined && jwksUrl !== undefined;
  return {
    isEnabled,
    token: isEnabled ? env.AUTH_TOKEN : undefined,
    apiKeysFile: isEnabled && env.API_KEYS_FILE !== undefined ? resolve(workingDir, env.API_KEYS_FILE) : undefined,
    jwt: isEnabled && hasJwt ? { issuer, audience, jwksUrl, tenantClaim: env.JWT_TENANT_CLAIM } : undefined,
  };
}

function toQuotas(env: Env): AppConfig['quotas'] {
  const limits = {
    requestsPerMinute: env.QUOTA_REQUESTS_PER_MINUTE,
    concurrentJobs: env.QUOTA_CONCURRENT_JOBS,
    gpuSecondsPerDay: env.QUOTA_GPU_SECONDS_PER_DAY,
  };
  return Object.fromEntries(Object.entries(limits).filter(([, limit]) => limit > 0));
}

function toCors({ CORS_CREDENTIALS: hasCredentials }: Env, origins: string): NonNullable<AppConfig['http']['cors']> {
  return { origins: origins.split(','), hasCredentials };
}

function toJobs(env: Env): AppConfig['jobs'] {
  return {
    maxAttempts: env.JOB_MAX_ATTEMPTS,
    maxQueuedJobs: env.MAX_QUEUED_JOBS,
    deadlineMs: env.JOB_DEADLINE_SECONDS * 1000,
    leaseSeconds: env.JOB_LEASE_SECONDS,
    stepTimeoutMs: env.STEP_TIMEOUT_SECONDS * 1000,
    retentionMs: env.JOB_RETENTION_DAYS * DAY_MS,
    abortGraceMs: ABORT_GRACE_MS,
  };
}

function toStore(env: Env, dataDir: string): AppConfig['store'] {
  const kind = env.OBJECT_STORE ?? (env.S3_BUCKET_NAME === undefined ? 'file' : 's3');
  if (kind === 'file' || env.S3_BUCKET_NAME === undefined) {
    return { kind: 'file', folder: resolve(dataDir, 'objects'), bucket: 'local' };
  }
  return {
    kind,
    bucket: env.S3_BUCKET_NAME,
    region: env.AWS_REGION,
    endpointUrl: env.S3_ENDPOINT_URL,
    credentials: toCredentials(env),
  };
}

function toCredentials(env: Env) {
  if (env.AWS_ACCESS_KEY_ID === undefined || env.AWS_SECRET_ACCESS_KEY === undefined) {
    return undefined;
  }
  const pair = { accessKeyId: env.AWS_ACCESS_KEY_ID, secretAccessKey: env.AWS_SECRET_ACCESS_KEY };
  return env.AWS_SESSION_TOKEN === undefined ? pair : { ...pair, sessionToken: env.AWS_SESSION_TOKEN };
}

/** The prototype's levels were uvicorn's, which calls two of them otherwise. */
function toLogLevel(level: Env['LOG_LEVEL']): AppConfig['logLevel'] {
  if (level === 'warning') {
    return 'warn';
  }
  return level === 'critical' ? 'fatal' : level;
}

function withoutTrailingSlash(text: string): string {
  return text.replace(/\/+$/, '');
}

function deepFreeze<T extends object>(value: T): T {
  for (const member of Object.values(value)) {
    if (typeof member === 'object' && member !== null) {
      deepFreeze(member);
    }
  }
  return Object.freeze(value);
}
