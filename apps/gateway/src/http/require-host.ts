import type { NextFunction, Request, Response } from 'express';

import { DomainError } from '../errors/domain-error.js';

/** HTTP/1.1 asks for one Host (RFC 9112, 3.2): whoever reads a request without, or with two, has to guess whom it is for. */
export function requireHost(request: Request, response: Response, next: NextFunction): void {
  const hosts = request.rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host').length;
  const isNamed = hosts === 1 || (hosts === 0 && request.httpVersion === '1.0');
  if (!isNamed) response.setHeader('Connection', 'close');
  next(isNamed ? undefined : new DomainError('malformed-request', 'The request must have one Host header.'));
}
