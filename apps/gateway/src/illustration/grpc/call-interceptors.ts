import { type Metadata, ServerInterceptingCall, type ServerInterceptor, status as grpcStatus } from '@grpc/grpc-js';
import { Logger } from '@nestjs/common';

import { authorizationIn } from '../../auth/auth.guard.js';
import type { AuthenticatedCalls } from '../../auth/authenticated-calls.js';
import type { Authenticator } from '../../auth/authenticator.js';
import { toGrpcStatus } from '../../errors/grpc-status.js';
import { toDomainError } from '../../errors/to-domain-error.js';
import { grpcServed } from '../../observability/request-signals.js';
import { saneTraceparent } from '../../observability/tracing/trace-context.js';
import { startSpan } from '../../observability/tracing/traced.js';
import type { OpenSpan } from '../../observability/tracing/tracer.js';

const logger = new Logger('grpc');
const healthPrefix = '/grpc.health.v1.Health/';
/** The statuses that are no caller's doing. */
const serverFaults: ReadonlySet<number> = new Set([
  grpcStatus.UNKNOWN,
  grpcStatus.INTERNAL,
  grpcStatus.UNAVAILABLE,
  grpcStatus.DATA_LOSS,
]);

/**
 * Denies by default: whatever is served, reflection too, asks for the credential, before a message is read. Only the
 * health service does not. What the credential is good for is the guard's question.
 */
export function askForCredential(authenticator: Authenticator, calls: AuthenticatedCalls): ServerInterceptor {
  async function admit(
    metadata: Metadata,
    proceed: (metadata: Metadata) => void,
    call: Pick<ServerInterceptingCall, 'sendStatus'>,
  ): Promise<void> {
    try {
      calls.remember(metadata, await authenticator.authenticate(authorizationIn(metadata)));
    } catch (error) {
      call.sendStatus(toGrpcStatus(toDomainError(error)));
      return;
    }
    proceed(metadata);
  }

  return ({ path }, call) =>
    new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata: Metadata, proceed) => {
            if (path.startsWith(healthPrefix)) {
              proceed(metadata);
              return;
            }
            void admit(metadata, proceed, call);
          },
        }),
    });
}

/** One line for every call when it is over; health checks, which come for ever, only at debug. */
export const logCalls: ServerInterceptor = ({ path }, call) => {
  const startedMs = performance.now();
  let isTold = false;
  const tell = (code: number, message: string): void => {
    if (isTold) return;
    isTold = true;
    const durationMs = performance.now() - startedMs;
    const name = grpcStatus[code] ?? 'UNKNOWN';
    grpcServed.send({ path, code: name, seconds: durationMs / 1000 });
    const line = { path, code: name, duration_ms: Math.round(durationMs) };
    if (path.startsWith(healthPrefix)) logger.debug(line, message);
    else logger.log(line, message);
  };
  return new ServerInterceptingCall(call, {
    start: (next) => next({ onCancel: () => tell(grpcStatus.CANCELLED, 'call aborted') }),
    sendStatus: (status, next) => {
      tell(status.code ?? grpcStatus.UNKNOWN, 'call completed');
      next(status);
    },
  });
};

/** Makes each call a span, of the caller's trace if there is one; the handler finds it in place of what the caller sent. */
export const traceCalls: ServerInterceptor = ({ path }, call) => {
  if (path.startsWith(healthPrefix)) return new ServerInterceptingCall(call);
  let span: OpenSpan | undefined;
  const end = (code: number): void => {
    span?.set({ 'rpc.grpc.status_code': code });
    span?.end(serverFaults.has(code) ? { error: new Error(grpcStatus[code]) } : {});
    span = undefined;
  };
  return new ServerInterceptingCall(call, {
    start: (next) =>
      next({
        onReceiveMetadata: (metadata: Metadata, proceed) => {
          span = startSpan(path.slice(1), { kind: 'server', parent: saneTraceparent(metadata.get('traceparent')[0]) });
          if (span.traceparent !== undefined) metadata.set('traceparent', span.traceparent);
          proceed(metadata);
        },
        onCancel: () => end(grpcStatus.CANCELLED),
      }),
    sendStatus: (status, next) => {
      end(status.code ?? grpcStatus.UNKNOWN);
      next(status);
    },
  });
};
