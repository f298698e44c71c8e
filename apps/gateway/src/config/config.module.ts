import { type DynamicModule, type FactoryProvider, Global, Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';

import { DatabaseConfig } from '../database/database-config.js';
import { JobsConfig } from '../jobs/jobs-config.js';
import { AppConfig } from './app-config.js';
import { loadConfig } from './load-config.js';

/** What features take instead of the whole. */
const parts: FactoryProvider[] = [
  { provide: DatabaseConfig, inject: [AppConfig], useFactory: ({ database }: AppConfig): DatabaseConfig => database },
  { provide: JobsConfig, inject: [AppConfig], useFactory: ({ jobs }: AppConfig): JobsConfig => jobs },
];

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
    const environment = await ConfigModule.forRoot({ validate: (env) => ({ app: loadConfig(env, { isBoot: true }) }) });
    return {
      module: AppConfigModule,
      imports: [environment],
      providers: [
        {
          provide: AppConfig,
          inject: [ConfigService],
          useFactory: (service: ConfigService) => service.getOrThrow<AppConfig>('app'),
        },
        ...parts,
      ],
      exports: [AppConfig, DatabaseConfig, JobsConfig],
    };
  }

  /** Settings given as they are. */
  static of(config: AppConfig): DynamicModule {
    return {
      module: AppConfigModule,
      providers: [{ provide: AppConfig, useValue: config }, ...parts],
      exports: [AppConfig, DatabaseConfig, JobsConfig],
    };
  }
}
