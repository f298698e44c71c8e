import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

import { DomainError } from '../errors/domain-error.js';
import { refuseOnSocket, type RefusedRequest } from './socket-refusal.js';

/** The latest request of a connection whose header could be read, and its reply. */
export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  /** As it came, without its query; Express changes `request.url` on its way. */
  path: string | undefined;
}

/**
 * Answers what Node's HTTP parser refuses or waits for in vain, and closes the connection. Express, Nest and their
 * filter do not see such a request, or not all of it; Node's own answer has no body.
 */
export function answerUnreadableRequest(error: NodeJS.ErrnoException, socket: Duplex, exchange?: Exchange): void {
  // Answered already; what comes on after that is not read any more.
  if (socket.writableEnded) return;
  const current = isUnderWay(exchange) ? exchange : undefined;
  if (error.code === 'ECONNRESET' || !socket.writable || current?.response.headersSent === true) {
    socket.destroy();
    return;
  }
  refuseOnSocket(socket, toRefusal(error.code), current && readSoFar(current));
}

/** Is it this request that cannot be read on, and not one after it on the same connection? */
function isUnderWay(exchange: Exchange | undefined): exchange is Exchange {
  return exchange !== undefined && !(exchange.request.complete && exchange.response.writableFinished);
}

function toRefusal(code: string | undefined): DomainError {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new DomainError('headers-too-large', 'The request headers are larger than 16 kB.');
  }
  return code === 'ERR_HTTP_REQUEST_TIMEOUT'
    ? new DomainError('request-timeout', 'The request did not come within the time that is allowed.')
    : new DomainError('malformed-request', 'This is not an HTTP/1.1 request.');
}

function readSoFar({ path, response }: Exchange): RefusedRequest {
  const requestId = response.getHeader('X-Request-Id');
  return { path, ...(typeof requestId === 'string' && { requestId }) };
}
