import type { Env } from './env.schema.js';
import { isLoopback } from './loopback.js';

/** What must hold between variables. */
export function checkTogether(env: Env): string[] {
  const problems: string[] = [];
  if (env.AUTH_ENABLED && env.AUTH_TOKEN === undefined) {
    problems.push('AUTH_TOKEN: needed when AUTH_ENABLED is true');
  }
  problems.push(...openToEverybody(env));
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
