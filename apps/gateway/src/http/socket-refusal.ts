import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

import type { DomainError } from '../errors/domain-error.js';
import { problemHeaders, toProblem } from '../errors/problem.js';

/** Time for the answer to arrive: closed at once, bytes of the caller's that nobody reads would make the answer void. */
const lingerMs = 1_000;

/** Of a request that was read so far. */
export interface RefusedRequest {
  /** Without its query. */
  path?: string;
  requestId?: string;
}

/** Answers where there is no reply of Node's to answer with, and closes the connection. */
export function refuseOnSocket(socket: Duplex, refusal: DomainError, request: RefusedRequest = {}): void {
  socket.end(toMessage(refusal, request));
  // A caller who does not close its own side would hold the connection for ever.
  const linger = setTimeout(() => socket.destroy(), lingerMs);
  socket.once('close', () => clearTimeout(linger));
}

function toMessage(refusal: DomainError, { path = '', requestId = randomUUID() }: RefusedRequest): string {
  const problem = toProblem(refusal, { path, requestId });
  const body = JSON.stringify(problem);
  const headers = {
    ...problemHeaders(refusal),
    'X-Request-Id': requestId,
    'Content-Length': String(Buffer.byteLength(body)),
    Connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return [`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`, ...lines, '', body].join('\r\n');
}
