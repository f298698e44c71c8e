import { randomUUID } from 'node:crypto';

import type { NextFunction, Request, Response } from 'express';

import { runInRequest } from './request-context.js';

/** What may go into logs, reply headers and gRPC metadata as it came; anything else is replaced. */
const SANE_REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/;

/** Gives the request its id, the caller's own where it is sane, and tells it in the reply. */
export function requestIdMiddleware(request: Request, response: Response, next: NextFunction): void {
  const requestId = saneRequestId(request.get('X-Request-Id'));
  response.setHeader('X-Request-Id', requestId);
  runInRequest({ requestId }, next);
}

/** The caller's own id where it is sane, else a new one. */
export function saneRequestId(given: unknown): string {
  return typeof given === 'string' && SANE_REQUEST_ID.test(given) ? given : randomUUID();
}
