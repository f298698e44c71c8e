import { Logger } from '@nestjs/common';
import type { NextFunction, Request, Response } from 'express';

import { currentRequest, runInRequest } from './request-context.js';
import { httpServed } from './request-signals.js';
import { isProbe, routeOf } from './route-of.js';
import { currentTraceparent, runInTrace } from './tracing/traced.js';

const logger = new Logger('http');

/** One line for every request when its reply is out or its caller gone. Never its query, headers or bodies. */
export function accessLogMiddleware(request: Request, response: Response, next: NextFunction): void {
  const startedMs = performance.now();
  const context = currentRequest();
  const traceparent = currentTraceparent();
  const path = request.originalUrl.split('?', 1)[0] ?? '/';
  response.once('close', () => {
    const { method } = request;
    const { statusCode: status, writableFinished } = response;
    const durationMs = performance.now() - startedMs;
    httpServed.send({
      method,
      route: routeOf(request),
      status,
      isAborted: !writableFinished,
      seconds: durationMs / 1000,
    });
    const line = { method, path: path.slice(0, 512), status, duration_ms: Math.round(durationMs) };
    const message = writableFinished ? 'request completed' : 'request aborted';
    const write = () => (isProbe(path) ? logger.debug(line, message) : logger.log(line, message));
    // The socket emits 'close' outside of the request's own asynchronous context.
    runInTrace(traceparent, () => (context === undefined ? write() : runInRequest(context, write)));
  });
  next();
}
