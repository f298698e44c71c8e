import type { Socket } from 'node:net';
import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';

import { DomainError } from '../errors/domain-error.js';
import { problemHeaders, toProblem } from '../errors/problem.js';

/**
 * Answers what Node's HTTP parser refuses: there is no request yet, so Express, Nest and their filter never see it.
 * Node's own answer has no body.
 */
export function answerUnreadableRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    socket.end('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n');
    return;
  }
  socket.end(toMessage(toRefusal(error.code)));
}

function toRefusal(code: string | undefined): DomainError {
  return code === 'HPE_HEADER_OVERFLOW'
    ? new DomainError('headers-too-large', 'The request headers are larger than 16 kB.')
    : new DomainError('malformed-request', 'This is not an HTTP/1.1 request.');
}

function toMessage(refusal: DomainError): string {
  const requestId = randomUUID();
  const problem = toProblem(refusal, { path: '', requestId });
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
