import type { Db } from 'pg-boss';

/** One SQL statement with `$1`-style parameters. Counts must be cast to `int`: an `int8` is a string on a server. */
export interface Queryable {
  query<Row extends object>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
}

/** An open transaction. It commits when the work given to `Database.transaction` resolves. */
export interface Transaction extends Queryable {
  /** Several statements without parameters. */
  script(sql: string): Promise<void>;
  /** Given to pg-boss as its `db` option, its writes become part of this transaction. */
  readonly forPgBoss: Db;
  /** Calls `tell` once the transaction has committed, and never when it has not. For telling, not for work. */
  afterCommit(tell: () => void): void;
}

export interface Listening {
  close(): Promise<void>;
}

/**
 * The one database: PostgreSQL, in this process (`PgliteDatabase`) or as a server (`PostgresDatabase`). The SQL is the
 * same for both.
 *
 * All methods reject with DomainError `storage-unavailable` when the server does not answer.
 */
export abstract class Database implements Queryable {
  abstract readonly backend: 'pglite' | 'postgres';

  /** For pg-boss's own statements, outside of any transaction of ours. */
  abstract readonly forPgBoss: Db;

  abstract query<Row extends object>(sql: string, values?: readonly unknown[]): Promise<Row[]>;

  /**
   * Runs `work` in one transaction (READ COMMITTED) and commits it; rolls back when it throws. A transaction that the
   * server gave up over a conflict is run again, so `work` must do nothing but statements, and only through `tx`: the
   * embedded database has a single connection, and a query beside the transaction would wait for it for ever.
   */
  abstract transaction<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result>;

  /**
   * Calls `onPayload` for each NOTIFY on the channel, also from other processes. Notifications are hints: while the
   * connection was lost they are lost, and `onGap` is called once it is back.
   */
  abstract listen(channel: string, onPayload: (payload: string) => void, onGap: () => void): Promise<Listening>;

  abstract close(): Promise<void>;
}
