import { HttpException } from '@nestjs/common';

import { DomainError } from './domain-error.js';
import type { Reason } from './reason.js';

/** What Nest, Express and the body reader throw themselves, by status: the reason and a text that tells nothing else. */
const byStatus: Readonly<Record<number, readonly [Reason, string]>> = {
  400: ['malformed-request', 'The request could not be read.'],
  401: ['unauthenticated', 'A bearer token is needed.'],
  403: ['forbidden', 'The credential does not allow this.'],
  404: ['not-found', 'There is nothing under this address.'],
  405: ['method-not-allowed', 'The method is not allowed here.'],
  406: ['not-acceptable', 'No representation of this resource is acceptable.'],
  413: ['payload-too-large', 'The request body is too large.'],
  415: ['unsupported-media-type', 'The type or encoding of the request body is not supported.'],
  422: ['validation-failed', 'The request is not valid.'],
  429: ['quota-exceeded', 'Too many requests.'],
  431: ['headers-too-large', 'The request headers are too large.'],
};

const INTERNAL_DETAIL = 'Something went wrong here. The log has it under the request id.';

/** Turns anything thrown into the error the caller is told; what is not known becomes `internal` with a fixed text. */
export function toDomainError(thrown: unknown): DomainError {
  if (thrown instanceof DomainError) {
    return thrown;
  }
  const status = statusOf(thrown);
  if (status !== undefined && status >= 400 && status < 500) {
    const [reason, detail] = byStatus[status] ?? ['malformed-request', 'The request could not be understood.'];
    return new DomainError(reason, detail, { cause: thrown });
  }
  return new DomainError('internal', INTERNAL_DETAIL, { cause: thrown });
}

/** The status of an error made for an HTTP reply: Nest's own, or one of `http-errors` (body reader, Express). */
function statusOf(thrown: unknown): number | undefined {
  if (thrown instanceof HttpException) {
    return thrown.getStatus();
  }
  if (
    thrown instanceof Error &&
    'expose' in thrown &&
    'statusCode' in thrown &&
    typeof thrown.statusCode === 'number'
  ) {
    return thrown.statusCode;
  }
  return undefined;
}
