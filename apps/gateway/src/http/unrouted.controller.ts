import { All, Controller, Req, Res } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { ApiExcludeController } from '@nestjs/swagger';
import type { Express, Request, Response } from 'express';

import { anyScope, NeedsScope } from '../auth/scope.decorator.js';
import { DomainError } from '../errors/domain-error.js';
import { allowedMethods } from './allowed-methods.js';
import { IgnoresBody } from './body.interceptor.js';

const EVERYTHING = '/{*path}';

/**
 * Whatever no other route answers. A route and not the framework's not-found hook, so that the guards stand before it:
 * without a credential an unknown address is 401, like any other.
 */
@ApiExcludeController()
@NeedsScope(anyScope)
@IgnoresBody()
@Controller()
export class UnroutedController {
  constructor(private readonly adapterHost: HttpAdapterHost) {}

  @All(EVERYTHING)
  refuse(@Req() request: Request, @Res() response: Response): never {
    const express = this.adapterHost.httpAdapter.getInstance<Express>();
    const methods = allowedMethods(express, request.path, EVERYTHING);
    if (methods.length === 0) {
      throw new DomainError('not-found', 'There is nothing under this address.');
    }
    response.setHeader('Allow', methods.join(', '));
    throw new DomainError('method-not-allowed', `This address answers ${methods.join(', ')}.`);
  }
}
