import { status as grpcStatus, type ServiceError } from '@grpc/grpc-js';

import { DomainError } from '../../errors/domain-error.js';
import { ERROR_DOMAIN, fromWireReason } from '../../errors/reason-names.js';
import type { Reason } from '../../errors/reason.js';
import { ErrorInfo } from '../../generated/google/rpc/error_details.js';
import { Status } from '../../generated/google/rpc/status.js';

const errorInfoType = 'type.googleapis.com/google.rpc.ErrorInfo';

/** The reasons the worker may give. Any other is a fault of ours and not for the caller. */
const workerReasons: ReadonlySet<Reason> = new Set<Reason>([
  'validation-failed',
  'avatar-invalid',
  'lora-invalid',
  'queue-full',
  'starting',
  'draining',
  'deadline-exceeded',
  'canceled',
  'gpu-out-of-memory',
  'generation-failed',
  'internal',
]);

/**
 * A failed call to the worker in the caller's words. The worker's own sentence is passed on only with one of its
 * reasons, for then it was written for callers; gRPC's own texts name peer addresses and stay in `cause`, for the log.
 */
export function workerFailure(error: unknown): DomainError {
  if (error instanceof DomainError) return error;
  if (!isServiceError(error)) return new DomainError('internal', 'The drawing failed.', { cause: error });
  const reason = fromWireReason(errorInfoOf(error)?.reason ?? '');
  if (reason === undefined || !workerReasons.has(reason)) return failureByCode(error);
  return new DomainError(reason, error.details, { cause: error });
}

const lostCodes: ReadonlySet<number> = new Set([
  grpcStatus.UNAVAILABLE,
  // Nobody here cancelled (the caller of `workerFailure` has looked): the worker did, by going down.
  grpcStatus.CANCELLED,
]);

const brokenCodes: ReadonlySet<number> = new Set([
  grpcStatus.INTERNAL,
  grpcStatus.UNKNOWN,
  // Not a full queue, which comes with a reason: a message larger than the receiver takes.
  grpcStatus.RESOURCE_EXHAUSTED,
]);

function failureByCode(cause: ServiceError): DomainError {
  if (lostCodes.has(cause.code)) {
    return new DomainError('worker-unavailable', 'The worker that draws does not answer.', { cause });
  }
  if (cause.code === grpcStatus.DEADLINE_EXCEEDED) {
    return new DomainError('deadline-exceeded', 'The time allowed for the drawing ran out.', { cause });
  }
  return brokenCodes.has(cause.code)
    ? new DomainError('generation-failed', 'The worker could not draw this.', { cause })
    : new DomainError('internal', 'The drawing failed.', { cause });
}

function errorInfoOf(error: ServiceError): ErrorInfo | undefined {
  const [bytes] = error.metadata.get('grpc-status-details-bin');
  if (!Buffer.isBuffer(bytes)) return undefined;
  try {
    const infos = Status.decode(bytes)
      .details.filter((detail) => detail.typeUrl === errorInfoType)
      .map((detail) => ErrorInfo.decode(detail.value));
    return infos.find((info) => info.domain === ERROR_DOMAIN);
  } catch {
    // Undecodable details say nothing; the status code still does.
    return undefined;
  }
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && 'metadata' in error;
}
