import type { ObjectKeys } from '../storage/object-keys.js';
import type { IllustrationRequest } from './domain/illustration-request.js';

/** Where a job's pictures go, one key an image: the job's id, then `-2`, `-3` ... behind it. */
export function resultKeysOf(
  keys: ObjectKeys,
  { kind, userId, n }: Pick<IllustrationRequest, 'kind' | 'userId' | 'n'>,
  jobId: string,
): string[] {
  return Array.from({ length: n }, (_, at) => keys.result(kind, userId, at === 0 ? jobId : `${jobId}-${at + 1}`));
}
