import { type DynamicModule, Global, Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';

import { AppConfig } from './app-config.js';
import { loadConfig } from './load-config.js';

/** Gives the whole application its settings. Nothing outside this folder reads the environment. */
@Global()
@Module({})
export class AppConfigModule {
  /**
   * Settings of the process's environment; a `.env` file in the working directory fills what is not set there.
   *
   * @throws ConfigError
   */
  static async fromEnvironment(): Promise<DynamicModule> {
    // `validate` runs at once. Its result is wrapped so that the package, which copies scalars of it into
    // process.env, finds none: defaults and the token would otherwise be inherited by every child process.
    const environment = await ConfigModule.forRoot({ validate: (env) => ({ app: loadConfig(env) }) });
    return {
      module: AppConfigModule,
      imports: [environment],
      providers: [
        {
          provide: AppConfig,
          inject: [ConfigService],
          useFactory: (service: ConfigService) => service.getOrThrow<AppConfig>('app'),
        },
      ],
      exports: [AppConfig],
    };
  }

  /** Settings given as they are. */
  static of(config: AppConfig): DynamicModule {
    return { module: AppConfigModule, providers: [{ provide: AppConfig, useValue: config }], exports: [AppConfig] };
  }
}
