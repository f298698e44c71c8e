import { envAliases, envSchema } from './env.schema.js';

/** Beginnings of names that nobody but this gateway uses: what is not a setting there is a slip. */
const ourPrefixes = ['ALLOW_NO_', 'API_KEYS_', 'AUTH_', 'CORS_', 'DEFAULT_', 'JOB_', 'JWT_', 'QUOTA_', 'S3_'];

/** Kubernetes gives every container variables that are named after the services beside it, of whatever name. */
const ofKubernetes = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP)(_\w+)?)?)$/;

const mostSlips = 2;

/** Names in the environment that look like settings of ours and are none: a slip would silently leave the default. */
export function unknownVariables(names: readonly string[]): string[] {
  const known = new Set([...Object.keys(envSchema.shape), ...Object.keys(envAliases)]);
  return names
    .filter((name) => ourPrefixes.some((prefix) => name.startsWith(prefix)))
    .filter((name) => !known.has(name) && !ofKubernetes.test(name))
    .toSorted()
    .map((name) => {
      const meant = [...known].find((setting) => distance(name, setting) <= mostSlips);
      return `${name}: is not a setting${meant === undefined ? '' : `; is ${meant} meant?`}`;
    });
}

/** Letters to insert, remove or replace to make one name of the other (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let line = 1; line <= one.length; line += 1) {
    const next = [line];
    for (let at = 1; at <= other.length; at += 1) {
      const replaced = (row[at - 1] ?? 0) + (one[line - 1] === other[at - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[at] ?? 0) + 1, (next[at - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
