import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Metadata } from '@grpc/grpc-js';
import type { Request } from 'express';

import { DomainError } from '../errors/domain-error.js';
import { IS_PUBLIC } from './public.decorator.js';
import { SharedToken } from './shared-token.js';

/** Lets a request in when its route is public or its credential good. Runs before the body is read. */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly token: SharedToken,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const isPublic = this.reflector.getAllAndOverride<boolean>(IS_PUBLIC, [context.getHandler(), context.getClass()]);
    if (isPublic || this.token.accepts(authorizationOf(context))) {
      return true;
    }
    throw new DomainError('unauthenticated', 'A valid bearer token is needed.');
  }
}

/** HTTP and gRPC carry it under one name; any other transport counts as a caller without a credential. */
function authorizationOf(context: ExecutionContext): string | undefined {
  if (context.getType() === 'http') return context.switchToHttp().getRequest<Request>().get('Authorization');
  if (context.getType() === 'rpc') return authorizationIn(context.switchToRpc().getContext<Metadata>());
  return undefined;
}

/** Of several values none counts, as over HTTP. */
export function authorizationIn(metadata: Metadata): string | undefined {
  const [value, ...more] = metadata.get('authorization');
  return typeof value === 'string' && more.length === 0 ? value : undefined;
}
