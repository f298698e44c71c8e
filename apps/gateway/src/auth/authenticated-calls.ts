import type { Metadata } from '@grpc/grpc-js';
import { Injectable } from '@nestjs/common';

import type { Caller } from './caller.js';

/** Who sent a gRPC call, from the interceptor that stands before every service to the guard: asked for once. */
@Injectable()
export class AuthenticatedCalls {
  private readonly callers = new WeakMap<Metadata, Caller>();

  remember(metadata: Metadata, caller: Caller): void {
    this.callers.set(metadata, caller);
  }

  callerOf(metadata: Metadata): Caller | undefined {
    return this.callers.get(metadata);
  }
}
