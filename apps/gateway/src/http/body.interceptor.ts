import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import express, { type Request, type Response } from 'express';
import type { Observable } from 'rxjs';

import { DomainError } from '../errors/domain-error.js';
import { parseJsonObject } from './json-body.js';

export const MAX_BODY_BYTES = 64 * 1024;

const IGNORES_BODY = 'http:ignores-body';

/** The route never looks at a request body, whatever its type. */
export const IgnoresBody = () => SetMetadata(IGNORES_BODY, true);

const readBytes = express.raw({ type: () => true, limit: MAX_BODY_BYTES });

/**
 * Reads the JSON body of a request. An interceptor and not, as usual, a middleware: it runs after the guards, so nobody
 * without a credential can make the service read and parse anything, and an unknown address is 404 and not 415.
 */
@Injectable()
export class BodyInterceptor implements NestInterceptor {
  constructor(private readonly reflector: Reflector) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const isIgnored = this.reflector.getAllAndOverride<boolean>(IGNORES_BODY, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (context.getType() === 'http' && !isIgnored) {
      const http = context.switchToHttp();
      await readJson(http.getRequest<Request>(), http.getResponse<Response>());
    }
    return next.handle();
  }
}

/** Leaves `request.body` undefined when there is none. */
async function readJson(request: Request, response: Response): Promise<void> {
  if (request.method === 'GET' || request.method === 'HEAD' || !hasBody(request)) {
    return;
  }
  if (!isJson(request.get('Content-Type'))) {
    throw new DomainError('unsupported-media-type', 'The request body must be application/json in UTF-8.');
  }
  if (Number(request.get('Content-Length') ?? 0) > MAX_BODY_BYTES) {
    // The body reader would say so only once all of it has come.
    throw new DomainError('payload-too-large', 'The request body is larger than 64 kB.');
  }
  if (request.get('Expect')?.toLowerCase() === '100-continue') response.writeContinue();
  await new Promise<void>((resolve, reject) => {
    readBytes(request, response, (error?: unknown) => (error === undefined ? resolve() : reject(error)));
  });
  const bytes: unknown = request.body;
  request.body = parseJsonObject(Buffer.isBuffer(bytes) ? bytes : Buffer.alloc(0));
}

function hasBody(request: Request): boolean {
  return request.get('Transfer-Encoding') !== undefined || Number(request.get('Content-Length') ?? 0) > 0;
}

function isJson(contentType: string | undefined): boolean {
  const [type = '', ...parameters] = (contentType ?? '').toLowerCase().split(';');
  const charset = parameters
    .map((parameter) => /^\s*charset\s*=\s*"?([^"\s]*)"?\s*$/.exec(parameter)?.[1])
    .find(Boolean);
  return type.trim() === 'application/json' && (charset === undefined || charset === 'utf-8' || charset === 'utf8');
}
