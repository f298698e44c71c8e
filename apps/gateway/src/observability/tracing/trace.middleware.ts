import type { NextFunction, Request, Response } from 'express';

import { isProbe, routeOf } from '../route-of.js';
import { saneTraceparent } from './trace-context.js';
import { runInTrace, startSpan } from './traced.js';

/** Makes the request a span: of the caller's trace when it has sent a sound `traceparent`, else of a new one. */
export function traceMiddleware(request: Request, response: Response, next: NextFunction): void {
  if (isProbe(request.path)) return next();
  const { method } = request;
  const span = startSpan(method, {
    kind: 'server',
    parent: saneTraceparent(request.get('traceparent')),
    attributes: { 'http.request.method': method },
  });
  response.once('close', () => {
    const route = routeOf(request);
    if (route !== undefined) span.rename(`${method} ${route}`);
    span.set({ 'http.response.status_code': response.statusCode, ...(route !== undefined && { 'http.route': route }) });
    span.end(response.statusCode >= 500 ? { error: new Error(`status ${response.statusCode}`) } : {});
  });
  runInTrace(span.traceparent, next);
}
