import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { Request } from 'express';

import { DomainError } from '../errors/domain-error.js';
import { Drain } from './drain.js';

/** While the service shuts down, reads are still answered and new work is not begun. */
@Injectable()
export class DrainGuard implements CanActivate {
  constructor(private readonly drain: Drain) {}

  canActivate(context: ExecutionContext): boolean {
    if (!this.drain.isDraining || isRead(context)) {
      return true;
    }
    throw new DomainError('draining', 'This instance is shutting down; another one takes the request.');
  }
}

function isRead(context: ExecutionContext): boolean {
  return context.getType() === 'http' && ['GET', 'HEAD'].includes(context.switchToHttp().getRequest<Request>().method);
}
