import { type Metadata, ServerInterceptingCall, type ServerInterceptor, status as grpcStatus } from '@grpc/grpc-js';
import { Logger } from '@nestjs/common';

import { authorizationIn } from '../../auth/auth.guard.js';
import type { SharedToken } from '../../auth/shared-token.js';
import { DomainError } from '../../errors/domain-error.js';
import { toGrpcStatus } from '../../errors/grpc-status.js';

const logger = new Logger('grpc');
const healthPrefix = '/grpc.health.v1.Health/';

/** Denies by default: whatever is served, reflection too, asks for the credential. Only the health service does not. */
export function askForCredential(token: SharedToken): ServerInterceptor {
  return ({ path }, call) =>
    new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata: Metadata, proceed) => {
            if (path.startsWith(healthPrefix) || token.accepts(authorizationIn(metadata))) proceed(metadata);
            else call.sendStatus(toGrpcStatus(new DomainError('unauthenticated', 'A valid bearer token is needed.')));
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
    const line = { path, code: grpcStatus[code], duration_ms: Math.round(performance.now() - startedMs) };
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
