import { type Metadata, ServerInterceptingCall, type ServerInterceptor, status as grpcStatus } from '@grpc/grpc-js';
import { Logger } from '@nestjs/common';

import { authorizationIn } from '../../auth/auth.guard.js';
import type { AuthenticatedCalls } from '../../auth/authenticated-calls.js';
import type { Authenticator } from '../../auth/authenticator.js';
import { toGrpcStatus } from '../../errors/grpc-status.js';
import { toDomainError } from '../../errors/to-domain-error.js';

const logger = new Logger('grpc');
const healthPrefix = '/grpc.health.v1.Health/';

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
