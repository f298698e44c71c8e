import type { NextFunction, Request, Response } from 'express';

import { DomainError } from '../errors/domain-error.js';

/** HTTP/1.1 asks for a Host (RFC 9112): whoever reads a request without one has to guess whom it is for. */
export function requireHost(request: Request, response: Response, next: NextFunction): void {
  const isNamed = request.headers.host !== undefined || request.httpVersion === '1.0';
  if (!isNamed) response.setHeader('Connection', 'close');
  next(isNamed ? undefined : new DomainError('malformed-request', 'The request has no Host header.'));
}
