import { Metadata, status as Grpc, type StatusObject } from '@grpc/grpc-js';

import { Any } from '../generated/google/protobuf/any.js';
import { BadRequest, BadRequest_FieldViolation, ErrorInfo, RetryInfo } from '../generated/google/rpc/error_details.js';
import { Status } from '../generated/google/rpc/status.js';
import { catalogue } from './catalogue.js';
import type { DomainError } from './domain-error.js';
import { ERROR_DOMAIN, toWireReason } from './reason-names.js';

const typeBase = 'type.googleapis.com/google.rpc.';

/** A status as grpc-js takes it from a handler: an error whose `code` is a number, whose text may be shown. */
export class GrpcStatusError extends Error implements StatusObject {
  override readonly name = 'GrpcStatusError';

  constructor(
    readonly code: Grpc,
    readonly details: string,
    readonly metadata: Metadata,
  ) {
    super(details);
  }
}

/**
 * The failure as gRPC carries it: the status of the catalogue, with `google.rpc.ErrorInfo` (reason, domain), the wrong
 * fields as `google.rpc.BadRequest` and the time to wait as `google.rpc.RetryInfo` in `grpc-status-details-bin`.
 */
export function toGrpcStatus(error: DomainError): GrpcStatusError {
  const { grpcStatus, retryAfterSeconds } = catalogue[error.reason];
  const code = grpcStatus ?? Grpc.INTERNAL;
  const { violations = [], retryAfterSeconds: seconds = retryAfterSeconds } = error.options;
  const details: Any[] = [
    detail('ErrorInfo', ErrorInfo.encode({ reason: toWireReason(error.reason), domain: ERROR_DOMAIN, metadata: {} })),
  ];
  if (violations.length > 0) {
    const fieldViolations = violations.map(({ pointer, detail: description }) =>
      BadRequest_FieldViolation.fromPartial({ field: pointer.replace(/^\//, ''), description }),
    );
    details.push(detail('BadRequest', BadRequest.encode({ fieldViolations })));
  }
  if (seconds !== undefined) {
    const retryDelay = { seconds: BigInt(Math.ceil(seconds)), nanos: 0 };
    details.push(detail('RetryInfo', RetryInfo.encode({ retryDelay })));
  }
  const metadata = new Metadata();
  const status = Status.encode({ code, message: error.detail, details }).finish();
  metadata.set('grpc-status-details-bin', Buffer.from(status));
  return new GrpcStatusError(code, error.detail, metadata);
}

function detail(name: string, message: { finish(): Uint8Array }): Any {
  return { typeUrl: typeBase + name, value: Buffer.from(message.finish()) };
}
