import { S3ServiceException } from '@aws-sdk/client-s3';

import { DomainError } from '../../errors/domain-error.js';
import { StoreLeftAloneError } from './store-left-alone.error.js';
import { ObjectChangedError, ObjectForbiddenError, ObjectNotFoundError, ObjectTooLargeError } from '../object-store.js';

const LEFT_ALONE = 'The object store has failed many times and is left alone for some seconds.';

/**
 * A failed read in the port's words. A missing bucket is also a 404, but it is our configuration and not a missing
 * object. Without `s3:ListBucket` S3 answers 403 for a missing key: nothing here can tell the two apart.
 */
export function readFailure(error: unknown, key: string): Error {
  if (error instanceof ObjectTooLargeError) return new ObjectTooLargeError(key, { cause: error });
  if (error instanceof ObjectChangedError) return error;
  const status = statusOf(error);
  if (status === 412) return new ObjectChangedError(key, { cause: error });
  if (status === 404 && nameOf(error) !== 'NoSuchBucket') return new ObjectNotFoundError(key, { cause: error });
  if (status === 403) return new ObjectForbiddenError(key, { cause: error });
  return unavailable(error);
}

/** Whatever went wrong with a write or a check: the text is fixed, the cause is for the log. */
export function unavailable(error: unknown): DomainError {
  if (error instanceof StoreLeftAloneError) {
    const { retryAfterSeconds } = error;
    return new DomainError('storage-unavailable', LEFT_ALONE, { retryAfterSeconds, cause: error });
  }
  const detail = statusOf(error) === 403 ? 'The object store refuses us.' : 'The object store does not answer.';
  return new DomainError('storage-unavailable', detail, { cause: error });
}

export function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}

function nameOf(error: unknown): string | undefined {
  return error instanceof Error ? error.name : undefined;
}
