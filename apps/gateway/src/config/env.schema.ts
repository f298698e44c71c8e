import { z } from 'zod';

import { observabilityShape } from './observability.schema.js';
import { flag, integer } from './setting-types.js';

const prefix = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*)*\/?$/, 'must be a plain key prefix');

/**
 * Every environment variable the gateway reads, each declared once: type, range, default, description. The settings
 * table in the README is generated from this schema.
 */
export const envSchema = z.object({
  HOST: z.string().min(1).default('127.0.0.1').describe('Address to listen on. `UVICORN_HOST` still works.'),
  PORT: integer(0, 65535).default(8000).describe('Port to listen on; 0 picks a free one. `UVICORN_PORT` still works.'),
  GRPC_HOST: z.string().min(1).default('127.0.0.1').describe('Address to listen on for gRPC.'),
  GRPC_PORT: integer(0, 65535).default(50052).describe('Port to listen on for gRPC; 0 picks a free one.'),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'warning', 'error', 'fatal', 'critical', 'silent'])
    .default('info')
    .describe('Least severe level that is logged. `UVICORN_LOG_LEVEL` still works.'),
  SERVICE_URL: z
    .url()
    .optional()
    .describe('Public address of the service, for links in replies. Default: `http://HOST:PORT`.'),
  DATA_DIR: z.string().min(1).default('data').describe('Folder of everything the service keeps on disk.'),

  AUTH_ENABLED: flag.default(false).describe('Ask every caller for a bearer token.'),
  AUTH_TOKEN: z
    .string()
    .min(16)
    .regex(/^[\x21-\x7e]+$/, 'must be visible ASCII without spaces, as an HTTP header can carry it')
    .optional()
    .describe(
      'The shared bearer token, at least 16 characters without spaces. `AUTH_ENABLED` needs it, `API_KEYS_FILE` or `JWT_ISSUER`.',
    ),
  API_KEYS_FILE: z
    .string()
    .min(1)
    .optional()
    .describe('File of API keys, made by `npm run keys`; read again whenever it changes.'),
  JWT_ISSUER: z.string().min(1).optional().describe('Issuer of JSON Web Tokens (RS256, ES256) that are let in.'),
  JWT_AUDIENCE: z
    .string()
    .min(1)
    .optional()
    .describe('Audience that such a token must name. Needed with `JWT_ISSUER`.'),
  JWT_JWKS_URL: z.url().optional().describe("Where the issuer's public keys are. Needed with `JWT_ISSUER`."),
  JWT_TENANT_CLAIM: z.string().min(1).default('tenant').describe('Claim that names the tenant of such a token.'),
  ALLOW_NO_AUTH: flag
    .default(false)
    .describe('Say explicitly that a service listening beyond this machine (`HOST`) may let every caller in.'),
  QUOTA_REQUESTS_PER_MINUTE: integer(0, 1_000_000)
    .default(0)
    .describe('Drawings that a tenant may ask for in a minute; 0: any number.'),
  QUOTA_CONCURRENT_JOBS: integer(0, 1_000_000)
    .default(0)
    .describe('Jobs of a tenant that may wait or run at a time; 0: any number.'),
  QUOTA_GPU_SECONDS_PER_DAY: integer(0, 100_000_000)
    .default(0)
    .describe('GPU seconds that a tenant may use in a day (UTC); 0: any number.'),
  CORS_ORIGINS: z
    .string()
    .regex(
      /^(\*|https?:\/\/[^\s/,*]+)(,(\*|https?:\/\/[^\s/,*]+))*$/,
      'must be origins (https://HOST) with commas between, or *',
    )
    .optional()
    .describe('Origins whose pages may call the service from a browser, with commas between; `*`: all. Default: none.'),
  CORS_CREDENTIALS: flag.default(false).describe('Such pages may send cookies and stored credentials; not with `*`.'),
  DOCS_ENABLED: flag.default(true).describe('Serve `/docs` and `/openapi.json`.'),

  ...observabilityShape,

  WORKER_ADDRESS: z
    .string()
    .regex(/^(unix:.+|[^:/]+:\d+|\[[0-9a-fA-F:]+\]:\d+)$/, 'must be unix:PATH or HOST:PORT')
    .default('127.0.0.1:50051')
    .describe('Where the worker listens: `unix:PATH` or `HOST:PORT`.'),
  ILLUSTRATOR: z
    .enum(['grpc', 'fake'])
    .default('grpc')
    .describe('`fake` draws a plain picture in the gateway itself, with no worker.'),
  REQUEST_TIMEOUT_SECONDS: integer(1, 600)
    .default(115)
    .describe('How long a caller that waits for its picture is kept waiting.'),

  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\/./, 'must be a postgres:// URL')
    .optional()
    .describe('PostgreSQL server that holds the jobs. Default: an embedded database in `DATA_DIR`.'),
  JOB_MAX_ATTEMPTS: integer(1, 20).default(3).describe('Attempts at a job before it fails with `attempts-exhausted`.'),
  JOB_DEADLINE_SECONDS: integer(1, 86_400)
    .default(3600)
    .describe('When a job that nobody waits for expires, unless the request says `X-Deadline-Seconds`.'),
  JOB_LEASE_SECONDS: integer(10, 600)
    .default(10)
    .describe('How long a job stays with an instance that gives no sign of life before another takes it.'),
  STEP_TIMEOUT_SECONDS: integer(1, 3600)
    .default(60)
    .describe('A drawing without progress for so long is taken to hang, and is tried again.'),
  JOB_RETENTION_DAYS: integer(0, 3650)
    .default(90)
    .describe('How long an ended job, its events and its receipt are kept; 0: for ever. Pictures stay.'),
  MAX_QUEUED_JOBS: integer(1, 1_000_000)
    .default(1000)
    .describe('More waiting jobs than this are refused with `queue-full`.'),

  CACHE_URL: z
    .url({ protocol: /^rediss?$/, error: 'must be a redis:// or rediss:// URL' })
    .optional()
    .describe('Redis server where instances share what they know of drawn pictures. Default: each in its own memory.'),
  RESULT_CACHE_TTL_SECONDS: integer(0, 31_536_000)
    .default(86_400)
    .describe('How long a picture with a `seed` is known, so that the same request has a copy of it; 0: never.'),
  RESULT_CACHE_MAX_ENTRIES: integer(1, 10_000_000)
    .default(10_000)
    .describe('Pictures that are known at most, without `CACHE_URL`; the least recently asked for are forgotten.'),

  SHUTDOWN_GRACE_SECONDS: integer(0, 3600)
    .default(120)
    .describe(
      'From SIGTERM to the end: requests and drawings in flight may finish, then they are handed back or cut off.',
    ),
  SHUTDOWN_DELAY_SECONDS: integer(0, 600)
    .optional()
    .describe(
      'How long new connections are still taken after SIGTERM, and answered with `draining`, so that a load balancer notices. Default: 5, on loopback 0.',
    ),

  OBJECT_STORE: z
    .enum(['file', 's3'])
    .optional()
    .describe('Where images live. Default: `s3` when `S3_BUCKET_NAME` is set, else `file` (in `DATA_DIR`).'),
  S3_BUCKET_NAME: z.string().min(3).max(63).optional().describe('Bucket of avatars, results and LoRAs.'),
  S3_ENDPOINT_URL: z.url().optional().describe('An S3 server that is not AWS; it is addressed path-style.'),
  AWS_REGION: z.string().min(1).default('us-east-1').describe('Region of the bucket.'),
  AWS_ACCESS_KEY_ID: z
    .string()
    .min(1)
    .optional()
    .describe("Credential; without it the AWS SDK's own chain applies (instance role ...)."),
  AWS_SECRET_ACCESS_KEY: z.string().min(1).optional().describe('Credential, with `AWS_ACCESS_KEY_ID`.'),
  AWS_SESSION_TOKEN: z.string().min(1).optional().describe('Credential, with the two above when they are temporary.'),
  S3_AVATAR_PREFIX: prefix.default('avatars').describe('Key prefix of the avatars (reference image of a memory).'),
  S3_SUBJECT_PREFIX: prefix
    .default('subjects')
    .describe('Key prefix of the subject photos (reference image of a portrait).'),
  S3_GENERATED_PREFIX: prefix.default('generated').describe('Key prefix of the results.'),
  S3_LORA_PREFIX: prefix.default('loras').describe('Key prefix of the LoRAs.'),

  LORA_INSTANCE_TOKEN: z
    .string()
    .max(64)
    .regex(/^[^\s\p{Cc}]+( [^\s\p{Cc}]+)*$/u, 'must be words with one space between them')
    .default('SKS')
    .describe('What LoRAs are trained to know the person by; put in front of the prompt of a request with one.'),

  DEFAULT_NUM_INFERENCE_STEPS: integer(1, 150).default(50).describe('Denoising steps when the request names none.'),
  DEFAULT_IP_ADAPTER_SCALE: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(0.33)
    .describe('Weight of the reference image when the request names none.'),
  DEFAULT_GUIDANCE_SCALE: z.coerce
    .number()
    .min(0)
    .max(30)
    .default(5)
    .describe('Classifier-free guidance when the request names none; 1 or less turns it off.'),
  DEFAULT_LORA_SCALE: z.coerce
    .number()
    .min(0)
    .max(2)
    .default(1)
    .describe('How strongly a LoRA is applied when the request names one without a scale; 1 is as trained.'),
  DEFAULT_NEGATIVE_PROMPT: z
    .string()
    .max(2000)
    .default('error, glitch, mistake')
    .describe('Negative prompt when the request names none.'),
  DEFAULT_MEMORY_STYLE_PROMPT: z
    .string()
    .max(2000)
    .default('highest quality, monochrome, professional sketch, personal, nostalgic, clean')
    .describe('Style of a memory when the request names none.'),
  DEFAULT_SUBJECT_STYLE_PROMPT: z
    .string()
    .min(1)
    .max(2000)
    .default('highest quality, professional sketch, monochrome')
    .describe('Style of a portrait when the request names none.'),
});

export type Env = z.infer<typeof envSchema>;

/** Names the prototype used, and what they are called now. The new name wins when both are set. */
export const envAliases: Readonly<Record<string, keyof Env>> = {
  UVICORN_HOST: 'HOST',
  UVICORN_PORT: 'PORT',
  UVICORN_LOG_LEVEL: 'LOG_LEVEL',
  AWS_ENDPOINT_URL_S3: 'S3_ENDPOINT_URL',
};
