import {
  Global,
  Injectable,
  Logger,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type ModuleMetadata,
  type OnModuleInit,
} from '@nestjs/common';
import { Database } from '../database/database.js';
import { PictureOwners } from '../storage/picture-owners.js';
import { BossQueue } from './boss-queue.js';
import { Capacity } from './capacity.js';
import { Dispatcher } from './dispatcher.js';
import { JobCheckpoints } from './job-checkpoints.js';
import { JobErasure } from './job-erasure.js';
import { JobEvents } from './job-events.js';
import { JobPreviews } from './job-previews.js';
import { JobQueue } from './job-queue.js';
import { JobRecovery } from './job-recovery.js';
import { JobStore } from './job-store.js';
import { JobTenants } from './job-tenants.js';
import { JobsConfig } from './jobs-config.js';

const logger = new Logger('Jobs');

/** Up before the dispatcher's bootstrap, down after its drain and before the database closes. */
@Injectable()
class JobPathLifecycle implements OnModuleInit, BeforeApplicationShutdown {
  constructor(
    private readonly queue: BossQueue,
    private readonly events: JobEvents,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.queue.start();
    await this.events.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.events.stop();
    await this.queue.stop();
  }
}

/** The durable job path. Needs `Database` and a `JobsConfig` from global modules. */
@Global()
@Module({
  providers: [
    {
      provide: BossQueue,
      inject: [Database, JobsConfig],
      useFactory: (database: Database, { maxAttempts, leaseSeconds }: JobsConfig) =>
        new BossQueue(database, {
          maxAttempts,
          leaseSeconds,
          onError: (error) => logger.warn({ err: error }, 'the queue was disturbed; it goes on'),
        }),
    },
    JobPathLifecycle,
    Capacity,
    JobStore,
    JobQueue,
    JobEvents,
    JobRecovery,
    JobCheckpoints,
    JobPreviews,
    JobErasure,
    { provide: PictureOwners, useClass: JobTenants },
  ],
  exports: [
    Capacity,
    JobStore,
    JobQueue,
    JobEvents,
    JobRecovery,
    JobCheckpoints,
    JobPreviews,
    JobErasure,
    PictureOwners,
  ],
})
export class JobsModule {}

/** Runs jobs in this process. */
@Module({})
export class DispatcherModule {
  /** @param runners a module that exports `JobRunner` */
  static forRunner(runners: NonNullable<ModuleMetadata['imports']>[number]): DynamicModule {
    return { module: DispatcherModule, imports: [runners], providers: [Dispatcher], exports: [Dispatcher] };
  }
}
