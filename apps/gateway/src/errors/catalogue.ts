import { status as Grpc } from '@grpc/grpc-js';

import type { Reason } from './reason.js';

/** What a reason looks like at the edge. */
export interface ReasonEntry {
  readonly httpStatus: number;
  /** null: the reason exists only in HTTP. */
  readonly grpcStatus: Grpc | null;
  /** The same for every occurrence, for people. */
  readonly title: string;
  /** The same request may succeed later. */
  readonly isRetryable: boolean;
  /** `Retry-After` of a reply whose error names no other time; set where every reply must carry one. */
  readonly retryAfterSeconds?: number;
}

function row(httpStatus: number, grpcStatus: Grpc | null, title: string): ReasonEntry {
  return { httpStatus, grpcStatus, title, isRetryable: false };
}

function retryable(
  httpStatus: number,
  grpcStatus: Grpc | null,
  title: string,
  retryAfterSeconds?: number,
): ReasonEntry {
  return { httpStatus, grpcStatus, title, isRetryable: true, retryAfterSeconds };
}

/** Every reason and its statuses. The only place where HTTP and gRPC statuses of errors are written. */
export const catalogue: Readonly<Record<Reason, ReasonEntry>> = {
  'malformed-request': row(400, Grpc.INVALID_ARGUMENT, 'The request could not be read'),
  'validation-failed': row(422, Grpc.INVALID_ARGUMENT, 'The request is not valid'),
  'idempotency-key-invalid': row(400, Grpc.INVALID_ARGUMENT, 'The idempotency key is not valid'),
  'idempotency-key-reused': row(422, Grpc.INVALID_ARGUMENT, 'The idempotency key belongs to another request'),
  unauthenticated: row(401, Grpc.UNAUTHENTICATED, 'A credential is needed'),
  forbidden: row(403, Grpc.PERMISSION_DENIED, 'The credential does not allow this'),
  'not-found': row(404, Grpc.NOT_FOUND, 'Not found'),
  'method-not-allowed': row(405, null, 'The method is not allowed here'),
  'not-acceptable': row(406, null, 'No acceptable representation'),
  'payload-too-large': row(413, null, 'The request body is too large'),
  'unsupported-media-type': row(415, null, 'The type of the request body is not supported'),
  'headers-too-large': row(431, null, 'The request headers are too large'),
  'request-timeout': retryable(408, null, 'The request came too slowly'),
  'avatar-not-found': row(422, Grpc.FAILED_PRECONDITION, 'The reference image does not exist'),
  'avatar-forbidden': row(502, Grpc.INTERNAL, 'The reference image cannot be read'),
  'avatar-invalid': row(422, Grpc.FAILED_PRECONDITION, 'The reference image is not usable'),
  'lora-not-found': row(422, Grpc.FAILED_PRECONDITION, 'The LoRA does not exist'),
  'lora-invalid': row(422, Grpc.FAILED_PRECONDITION, 'The LoRA is not usable'),
  'job-not-cancelable': row(409, Grpc.FAILED_PRECONDITION, 'The job can no longer be cancelled'),
  'quota-exceeded': retryable(429, Grpc.RESOURCE_EXHAUSTED, 'The quota is used up', 60),
  'queue-full': retryable(503, Grpc.RESOURCE_EXHAUSTED, 'Too many requests are waiting', 10),
  starting: retryable(503, Grpc.UNAVAILABLE, 'The service is starting', 5),
  draining: retryable(503, Grpc.UNAVAILABLE, 'The service is shutting down', 5),
  'worker-unavailable': retryable(503, Grpc.UNAVAILABLE, 'The worker does not answer', 5),
  'storage-unavailable': retryable(503, Grpc.UNAVAILABLE, 'The storage does not answer', 5),
  'deadline-exceeded': retryable(504, Grpc.DEADLINE_EXCEEDED, 'The time allowed ran out'),
  'gpu-out-of-memory': retryable(503, Grpc.RESOURCE_EXHAUSTED, 'The GPU has too little memory', 5),
  'generation-failed': row(500, Grpc.INTERNAL, 'The illustration could not be drawn'),
  'attempts-exhausted': row(500, Grpc.INTERNAL, 'Every attempt failed'),
  canceled: row(409, Grpc.CANCELLED, 'The request was cancelled'),
  internal: row(500, Grpc.INTERNAL, 'Internal error'),
};
