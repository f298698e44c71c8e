import { type DynamicModule, Module } from '@nestjs/common';

import { AuthModule } from './auth/auth.module.js';
import { DatabaseModule } from './database/database.module.js';
import { ErrorsModule } from './errors/errors.module.js';
import { HealthModule } from './health/health.module.js';
import { HttpModule } from './http/http.module.js';
import { UnroutedModule } from './http/unrouted.module.js';
import { IllustrationGrpcModule } from './illustration/grpc/illustration-grpc.module.js';
import { IllustrationModule } from './illustration/illustration.module.js';
import { DispatcherModule, JobsModule } from './jobs/jobs.module.js';
import { LifecycleModule } from './lifecycle/lifecycle.module.js';
import { MetricsModule } from './observability/metrics/metrics.module.js';
import { ObservabilityModule } from './observability/observability.module.js';
import { TracingModule } from './observability/tracing/tracing.module.js';
import { OpenApiModule } from './openapi/openapi.module.js';
import { StorageModule } from './storage/storage.module.js';

@Module({
  imports: [
    LifecycleModule,
    ObservabilityModule,
    TracingModule,
    ErrorsModule,
    // Guards run in this order: nobody unknown is told that the service is draining.
    AuthModule,
    HttpModule,
    HealthModule.watching(IllustrationModule, StorageModule, DatabaseModule),
    OpenApiModule,
    StorageModule,
    DatabaseModule,
    JobsModule,
    IllustrationModule,
    IllustrationGrpcModule,
    DispatcherModule.forRunner(IllustrationModule),
    MetricsModule.watching(IllustrationModule),
    UnroutedModule,
  ],
})
export class AppModule {
  /** @param config `AppConfigModule`, with settings from the environment or from a test */
  static with(config: DynamicModule): DynamicModule {
    return { module: AppModule, imports: [config] };
  }
}
