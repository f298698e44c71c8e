import { Global, Injectable, Logger, Module, type OnApplicationShutdown } from '@nestjs/common';
import { DatabaseConfig } from './database-config.js';
import { Database } from './database.js';
import { openDatabase } from './open-database.js';

const logger = new Logger('Database');

/** Closes the database as the very last thing: jobs hand themselves back through it before. */
@Injectable()
class DatabaseShutdown implements OnApplicationShutdown {
  constructor(private readonly database: Database) {}

  onApplicationShutdown(): Promise<void> {
    return this.database.close();
  }
}

/** `Database`, open and migrated before anything that needs it is made. Needs a `DatabaseConfig` from a global module. */
@Global()
@Module({
  providers: [
    {
      provide: Database,
      inject: [DatabaseConfig],
      useFactory: (config: DatabaseConfig) =>
        openDatabase(config, (error) => logger.warn({ err: error }, 'a database connection was lost')),
    },
    DatabaseShutdown,
  ],
  exports: [Database],
})
export class DatabaseModule {}
