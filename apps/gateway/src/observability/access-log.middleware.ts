import { Logger } from '@nestjs/common';
import type { NextFunction, Request, Response } from 'express';

import { currentRequest, runInRequest } from './request-context.js';

const logger = new Logger('http');

/** One line for every request when its reply is out or its caller gone. Never its query, headers or bodies. */
export function accessLogMiddleware(request: Request, response: Response, next: NextFunction): void {
  const startedMs = performance.now();
  const context = currentRequest();
  const path = request.originalUrl.split('?', 1)[0] ?? '/';
  response.once('close', () => {
    const line = {
      method: request.method,
      path: path.slice(0, 512),
      status: response.statusCode,
      duration_ms: Math.round(performance.now() - startedMs),
    };
    const message = response.writableFinished ? 'request completed' : 'request aborted';
    const write = () => (isProbe(path) ? logger.debug(line, message) : logger.log(line, message));
    // The socket emits 'close' outside of the request's own asynchronous context.
    if (context === undefined) {
      write();
    } else {
      runInRequest(context, write);
    }
  });
  next();
}

/** Probes come every few seconds for ever: they would drown the rest. */
function isProbe(path: string): boolean {
  return path === '/health' || path.startsWith('/health/');
}
