import { Module } from '@nestjs/common';
import { LoggerModule } from 'nestjs-pino';

import { AppConfig } from '../config/app-config.js';
import { logOptions } from './log-options.js';

/**
 * JSON logs. The package's own request middleware is left out (`forRoutes: []`): it logs request headers, and it runs
 * after middleware that can already fail; `access-log.middleware.ts` and the mixin in `log-options.ts` do its work.
 */
@Module({
  imports: [
    LoggerModule.forRootAsync({
      inject: [AppConfig],
      useFactory: (config: AppConfig) => ({ pinoHttp: logOptions(config), forRoutes: [] }),
    }),
  ],
})
export class ObservabilityModule {}
