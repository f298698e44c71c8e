import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';

import { AppConfig } from '../config/app-config.js';
import { ApiKeys } from './api-keys.js';
import { AuthGuard } from './auth.guard.js';
import { AuthenticatedCalls } from './authenticated-calls.js';
import { Authenticator } from './authenticator.js';
import { SharedToken } from './shared-token.js';

/** Denies by default: the guard stands before every route, unknown addresses included. */
@Module({
  providers: [
    SharedToken,
    { provide: ApiKeys, inject: [AppConfig], useFactory: ({ auth }: AppConfig) => new ApiKeys(auth.apiKeysFile) },
    Authenticator,
    AuthenticatedCalls,
    { provide: APP_GUARD, useClass: AuthGuard },
  ],
})
export class AuthModule {}
