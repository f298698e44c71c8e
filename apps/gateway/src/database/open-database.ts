import type { DatabaseConfig } from './database-config.js';
import type { Database } from './database.js';
import { migrate } from './migrate.js';
import { jobs } from './migrations/0001-jobs.js';
import { unfinishedPictures } from './migrations/0002-unfinished-pictures.js';
import { leftovers } from './migrations/0003-leftovers.js';
import { retention } from './migrations/0004-retention.js';
import { traceContext } from './migrations/0005-trace-context.js';
import { usage } from './migrations/0006-usage.js';
import { PgliteDatabase } from './pglite-database.js';
import { PostgresDatabase } from './postgres-database.js';

/**
 * Opens the database the settings name and brings its schema up to date.
 *
 * @throws FolderInUseError when the embedded database's folder is open in another process
 * @throws DomainError `storage-unavailable` when the server does not answer
 */
export async function openDatabase(
  { url, folder }: DatabaseConfig,
  onConnectionLost?: (error: Error) => void,
): Promise<Database> {
  const database =
    url === undefined ? await PgliteDatabase.open(folder) : new PostgresDatabase({ url, onConnectionLost });
  try {
    await migrate(database, [jobs, unfinishedPictures, leftovers, retention, traceContext, usage]);
  } catch (error) {
    await database.close();
    throw error;
  }
  return database;
}
