import type { Env } from './env.schema.js';
import { isLoopback } from './loopback.js';

/** What must hold between variables. */
export function checkTogether(env: Env): string[] {
  const problems: string[] = [];
  problems.push(...credentials(env), ...openToEverybody(env), ...crossOrigin(env));
  if ((env.AWS_ACCESS_KEY_ID === undefined) !== (env.AWS_SECRET_ACCESS_KEY === undefined)) {
    problems.push('AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY: set both or neither');
  }
  if (env.AWS_SESSION_TOKEN !== undefined && env.AWS_ACCESS_KEY_ID === undefined) {
    problems.push('AWS_SESSION_TOKEN: needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY');
  }
  if (env.OBJECT_STORE === 's3' && env.S3_BUCKET_NAME === undefined) {
    problems.push('S3_BUCKET_NAME: needed when OBJECT_STORE is s3');
  }
  problems.push(...nestedPrefixes(env));
  return problems;
}

/** Some credential to ask for, and whole settings for each kind. */
function credentials(env: Env): string[] {
  const problems: string[] = [];
  const {
    AUTH_TOKEN: token,
    API_KEYS_FILE: file,
    JWT_ISSUER: issuer,
    JWT_AUDIENCE: audience,
    JWT_JWKS_URL: jwks,
  } = env;
  if (env.AUTH_ENABLED && token === undefined && file === undefined && issuer === undefined) {
    problems.push('AUTH_TOKEN: needed when AUTH_ENABLED is true, unless there is API_KEYS_FILE or JWT_ISSUER');
  }
  const given = [issuer, audience, jwks].filter((value) => value !== undefined).length;
  if (given !== 0 && given !== 3) {
    problems.push('JWT_ISSUER, JWT_AUDIENCE, JWT_JWKS_URL: set all three or none');
  }
  if (jwks !== undefined && !isPrivateLine(new URL(jwks))) {
    problems.push('JWT_JWKS_URL: must be https, or whoever sits in between makes the keys');
  }
  if (!env.AUTH_ENABLED && (file !== undefined || issuer !== undefined)) {
    problems.push('AUTH_ENABLED: is false although API_KEYS_FILE or JWT_ISSUER is set; every caller would be let in');
  }
  return problems;
}

/** A page of any origin with the visitor's own credentials: every site could act in their name. */
function crossOrigin(env: Env): string[] {
  const isForAll = env.CORS_ORIGINS?.split(',').includes('*') ?? false;
  return isForAll && env.CORS_CREDENTIALS ? ['CORS_ORIGINS: cannot be * while CORS_CREDENTIALS is true'] : [];
}

function isPrivateLine({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}

function openToEverybody(env: Env): string[] {
  if (env.AUTH_ENABLED || env.ALLOW_NO_AUTH) return [];
  const means =
    'listening beyond this machine lets every caller in; set AUTH_ENABLED=true and AUTH_TOKEN, or ALLOW_NO_AUTH=true to say it is meant';
  return (['HOST', 'GRPC_HOST'] as const).filter((name) => !isLoopback(env[name])).map((name) => `${name}: ${means}`);
}

/** Were one key prefix a part of another, a key of one kind could be taken for another: an avatar for a result. */
function nestedPrefixes(env: Env): string[] {
  const names = ['S3_AVATAR_PREFIX', 'S3_SUBJECT_PREFIX', 'S3_GENERATED_PREFIX', 'S3_LORA_PREFIX'] as const;
  const folder = (name: (typeof names)[number]) => `${env[name].replace(/\/$/, '')}/`;
  return names.flatMap((outer) =>
    names
      .filter((inner) => inner !== outer && folder(inner).startsWith(folder(outer)))
      .map((inner) => `${inner}: lies within ${outer}; every kind of object needs a prefix of its own`),
  );
}
