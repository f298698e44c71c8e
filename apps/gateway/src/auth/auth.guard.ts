import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Metadata } from '@grpc/grpc-js';
import type { Request } from 'express';

import { DomainError } from '../errors/domain-error.js';
import { currentRequest } from '../observability/request-context.js';
import { Authenticator } from './authenticator.js';
import { AuthenticatedCalls } from './authenticated-calls.js';
import type { Caller } from './caller.js';
import { IS_PUBLIC } from './public.decorator.js';
import { anyScope, REQUIRED_SCOPE } from './scope.decorator.js';
import type { Scope } from './scopes.js';

/** Lets a request in when its route is public, or its credential good and good for this. Runs before the body is read. */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly authenticator: Authenticator,
    private readonly calls: AuthenticatedCalls,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const places = [context.getHandler(), context.getClass()];
    if (this.reflector.getAllAndOverride<boolean | undefined>(IS_PUBLIC, places)) return true;
    const caller = await this.callerOf(context);
    const scope = this.reflector.getAllAndOverride<Scope | typeof anyScope | undefined>(REQUIRED_SCOPE, places);
    if (scope !== anyScope && (scope === undefined || !caller.scopes.has(scope))) {
      throw new DomainError(
        'forbidden',
        `The credential does not allow this${scope ? `: it has no scope ${scope}` : ''}.`,
      );
    }
    const request = currentRequest();
    if (request !== undefined) request.caller = caller;
    return true;
  }

  /** HTTP and gRPC carry the credential under one name; any other transport counts as a caller without one. */
  private async callerOf(context: ExecutionContext): Promise<Caller> {
    if (context.getType() === 'http') {
      return this.authenticator.authenticate(context.switchToHttp().getRequest<Request>().get('Authorization'));
    }
    if (context.getType() !== 'rpc') return this.authenticator.authenticate(undefined);
    const metadata = context.switchToRpc().getContext<Metadata>();
    return this.calls.callerOf(metadata) ?? this.authenticator.authenticate(authorizationIn(metadata));
  }
}

/** Of several values none counts, as over HTTP. */
export function authorizationIn(metadata: Metadata): string | undefined {
  const [value, ...more] = metadata.get('authorization');
  return typeof value === 'string' && more.length === 0 ? value : undefined;
}
