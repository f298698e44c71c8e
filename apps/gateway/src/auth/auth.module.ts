import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';

import { AuthGuard } from './auth.guard.js';
import { SharedToken } from './shared-token.js';

/** Denies by default: the guard stands before every route, unknown addresses included. */
@Module({ providers: [SharedToken, { provide: APP_GUARD, useClass: AuthGuard }] })
export class AuthModule {}
