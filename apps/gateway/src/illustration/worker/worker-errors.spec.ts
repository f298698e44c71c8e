import { Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';

import { ErrorInfo } from '../../generated/google/rpc/error_details.js';
import { Status } from '../../generated/google/rpc/status.js';
import { workerFailure } from './worker-errors.js';

function serviceError(code: status, info?: Partial<ErrorInfo>): ServiceError {
  const metadata = new Metadata();
  if (info !== undefined) {
    const value = Buffer.from(
      ErrorInfo.encode({ reason: '', domain: 'illustration.autobio', metadata: {}, ...info }).finish(),
    );
    const details = [{ typeUrl: 'type.googleapis.com/google.rpc.ErrorInfo', value }];
    metadata.set('grpc-status-details-bin', Buffer.from(Status.encode({ code, message: '', details }).finish()));
  }
  return Object.assign(new Error('peer 10.0.0.7:50051 said no'), {
    code,
    details: 'peer 10.0.0.7:50051 said no',
    metadata,
  });
}

describe('workerFailure', () => {
  it.each([
    ['VALIDATION_FAILED', 'validation-failed'],
    ['AVATAR_INVALID', 'avatar-invalid'],
    ['QUEUE_FULL', 'queue-full'],
    ['STARTING', 'starting'],
    ['DRAINING', 'draining'],
    ['DEADLINE_EXCEEDED', 'deadline-exceeded'],
    ['CANCELED', 'canceled'],
    ['GPU_OUT_OF_MEMORY', 'gpu-out-of-memory'],
    ['GENERATION_FAILED', 'generation-failed'],
    ['INTERNAL', 'internal'],
  ])('keeps the reason %s and its sentence', (name, reason) => {
    const error = Object.assign(serviceError(status.UNKNOWN, { reason: name }), { details: 'Too small.' });
    expect(workerFailure(error)).toMatchObject({ reason, detail: 'Too small.', cause: error });
  });

  it.each([
    [status.UNAVAILABLE, 'worker-unavailable'],
    [status.CANCELLED, 'worker-unavailable'],
    [status.DEADLINE_EXCEEDED, 'deadline-exceeded'],
    [status.INTERNAL, 'generation-failed'],
    [status.UNKNOWN, 'generation-failed'],
    [status.RESOURCE_EXHAUSTED, 'generation-failed'],
    [status.UNIMPLEMENTED, 'internal'],
    [status.PERMISSION_DENIED, 'internal'],
  ])('maps status %s without a reason and tells nothing of its text', (code, reason) => {
    const failure = workerFailure(serviceError(code));
    expect(failure.reason).toBe(reason);
    expect(failure.detail).not.toContain('10.0.0.7');
  });

  it.each<[string, Partial<ErrorInfo>]>([
    ["another service's reason", { reason: 'AVATAR_INVALID', domain: 'proxy.example' }],
    ['a reason that does not exist', { reason: 'MOON_IN_THE_WAY' }],
    ['a reason that is not the worker’s to give', { reason: 'UNAUTHENTICATED' }],
  ])('does not trust %s', (_, info) => {
    const failure = workerFailure(serviceError(status.INTERNAL, info));
    expect(failure).toMatchObject({ reason: 'generation-failed', detail: 'The worker could not draw this.' });
  });

  it('copes with details that are not protobuf', () => {
    const error = serviceError(status.UNAVAILABLE);
    error.metadata.set('grpc-status-details-bin', Buffer.from([0xff, 0xff, 0xff]));
    expect(workerFailure(error).reason).toBe('worker-unavailable');
  });

  it('calls anything else internal', () => {
    expect(workerFailure(new TypeError('x is undefined'))).toMatchObject({
      reason: 'internal',
      detail: 'The drawing failed.',
    });
  });
});
