import type { Database } from './database.js';

/** One step of the schema `illustration`. Steps only add: gateways of two versions run side by side for a while. */
export interface Migration {
  /** From 1, without a hole. */
  readonly version: number;
  readonly name: string;
  /** Statements, without transaction control. */
  readonly sql: string;
}

/** Any constant of ours will do; the same in every gateway. */
const lockKey = 7_261_530_011;

/** Brings the schema up to date. Gateways that start at once take turns. */
export function migrate(database: Database, migrations: readonly Migration[]): Promise<void> {
  return database.transaction(async (tx) => {
    await tx.query('SELECT pg_advisory_xact_lock($1::bigint)', [lockKey]);
    await tx.script(`
      CREATE SCHEMA IF NOT EXISTS illustration;
      CREATE TABLE IF NOT EXISTS illustration.migrations (
        version int PRIMARY KEY,
        name text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
      )`);
    const [row] = await tx.query<{ version: number }>(
      'SELECT COALESCE(max(version), 0)::int AS version FROM illustration.migrations',
    );
    const current = row?.version ?? 0;
    for (const { version, name, sql } of migrations.filter((one) => one.version > current)) {
      await tx.script(sql);
      await tx.query('INSERT INTO illustration.migrations (version, name) VALUES ($1, $2)', [version, name]);
    }
  });
}
