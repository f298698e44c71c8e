import { type DynamicModule, Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';

import { DatabaseHealth } from './database.health.js';
import { DrainHealth } from './drain.health.js';
import { HealthController } from './health.controller.js';
import { IllustratorHealth } from './illustrator.health.js';
import { ObjectStoreHealth } from './object-store.health.js';
import { ReadinessChecks } from './readiness.js';
import { RootController } from './root.controller.js';

@Module({
  // A failing check is what the health page says, at every probe; a log line each would drown the rest.
  imports: [TerminusModule.forRoot({ logger: false })],
  controllers: [RootController, HealthController],
  providers: [DatabaseHealth, DrainHealth, IllustratorHealth, ObjectStoreHealth, ReadinessChecks],
})
export class HealthModule {
  /** @param ports the modules that export `Illustrator`, `ObjectStore` and `Database` */
  static watching(...ports: NonNullable<DynamicModule['imports']>): DynamicModule {
    return { module: HealthModule, imports: ports };
  }
}
