import type { Server } from 'node:http';

import { DomainError } from '../errors/domain-error.js';
import { refuseOnSocket } from './socket-refusal.js';

/**
 * Requests that Node would answer by itself, in its own words or with none.
 *
 * `Expect: 100-continue` goes on like any other: `BodyInterceptor` asks for the body once it wants it, so that what is
 * refused without looking at it is not sent first. Any other expectation may be ignored (RFC 9110, 10.1.1).
 */
export function takeUnusualRequests(server: Server): void {
  server.on('checkContinue', (request, response) => server.emit('request', request, response));
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  server.on('connect', (_request, socket) => {
    refuseOnSocket(socket, new DomainError('malformed-request', 'This service is no proxy.'));
  });
}
