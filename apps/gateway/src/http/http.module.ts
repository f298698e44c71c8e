import { Global, Module } from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';

import { BodyInterceptor } from './body.interceptor.js';
import { Drain } from './drain.js';
import { DrainGuard } from './drain.guard.js';

/** What every HTTP request goes through beside authentication: reading its body, and the shutdown. */
@Global()
@Module({
  providers: [
    Drain,
    { provide: APP_GUARD, useClass: DrainGuard },
    { provide: APP_INTERCEPTOR, useClass: BodyInterceptor },
  ],
  exports: [Drain],
})
export class HttpModule {}
