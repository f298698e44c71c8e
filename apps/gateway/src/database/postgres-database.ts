import { Pool, type PoolClient, type QueryConfig, type QueryResult } from 'pg';
import type { Db } from 'pg-boss';
import { retryConflicts } from './conflict-retry.js';
import { toDatabaseError } from './connection-errors.js';
import { Database, type Listening, type Transaction } from './database.js';
import { PostgresListener } from './postgres-listener.js';
import { StatementNames } from './statement-names.js';

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database` */
  url: string;
  /** Connections for requests and jobs; three more are for upkeep and for listening. */
  poolSize?: number;
  /** Told of connections that break while idle; they are replaced without anybody's help. */
  onConnectionLost?: (error: Error) => void;
}

/** A PostgreSQL server, shared by all gateways. */
export class PostgresDatabase extends Database {
  readonly backend = 'postgres';
  readonly forPgBoss: Db = { executeSql: (sql, values) => run(this.upkeep, { text: sql, values }) };
  private readonly names = new StatementNames();
  private readonly pool: Pool;
  /** pg-boss's own statements, the renewal of leases first of all, do not stand in line behind requests. */
  private readonly upkeep: Pool;
  private readonly listener: PostgresListener;
  private closing: Promise<void> | undefined;

  constructor({ url, poolSize = 10, onConnectionLost = () => undefined }: PostgresOptions) {
    super();
    const connection = {
      connectionString: url,
      application_name: 'autobio-illustration',
      connectionTimeoutMillis: 5000,
    };
    const settings = {
      ...connection,
      keepAlive: true,
      statement_timeout: 10_000,
      // A server that accepts and never answers; the connection is thrown away.
      query_timeout: 12_000,
      // A gateway that stops in the middle of a transaction (SIGSTOP, a lost network) must not hold its row locks.
      idle_in_transaction_session_timeout: 10_000,
    };
    this.pool = new Pool({ ...settings, max: poolSize });
    this.upkeep = new Pool({ ...settings, max: 2 });
    this.pool.on('error', onConnectionLost);
    this.upkeep.on('error', onConnectionLost);
    this.listener = new PostgresListener(connection, onConnectionLost);
  }

  async query<Row extends object>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    return (await run<Row>(this.pool, { name: this.names.of(sql), text: sql, values: [...values] })).rows;
  }

  async transaction<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result> {
    try {
      return await retryConflicts(() => this.attempt(work));
    } catch (error) {
      throw toDatabaseError(error);
    }
  }

  async listen(channel: string, onPayload: (payload: string) => void, onGap: () => void): Promise<Listening> {
    try {
      return await this.listener.add({ channel, onPayload, onGap });
    } catch (error) {
      throw toDatabaseError(error);
    }
  }

  close(): Promise<void> {
    this.closing ??= Promise.all([this.listener.close(), this.pool.end(), this.upkeep.end()]).then(() => undefined);
    return this.closing;
  }

  private async attempt<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result> {
    const client = await this.pool.connect();
    let broken: Error | undefined;
    // The pool watches idle connections only: unheard, the break of this one would end the process.
    const onError = (error: Error) => (broken = error);
    client.on('error', onError);
    try {
      await client.query('BEGIN');
      const tx = new OpenTransaction(client, this.names);
      const result = await work(tx);
      await client.query('COMMIT');
      tx.committed.forEach((tell) => tell());
      return result;
    } catch (error) {
      await client.query('ROLLBACK').catch((failure: Error) => (broken = failure));
      throw error;
    } finally {
      client.off('error', onError);
      client.release(broken);
    }
  }
}

class OpenTransaction implements Transaction {
  readonly forPgBoss: Db = { executeSql: (sql, values) => this.execute(sql, values) };
  readonly committed: (() => void)[] = [];

  constructor(
    private readonly client: PoolClient,
    private readonly names: StatementNames,
  ) {}

  async query<Row extends object>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    return (await this.client.query<Row>({ name: this.names.of(sql), text: sql, values: [...values] })).rows;
  }

  async script(sql: string): Promise<void> {
    await this.client.query(sql);
  }

  afterCommit(tell: () => void): void {
    this.committed.push(tell);
  }

  /** Statements without parameters may be several, and those cannot be named. */
  private execute(sql: string, values: unknown[] = []): Promise<QueryResult<object>> {
    if (values.length === 0) return this.client.query<object>(sql);
    return this.client.query<object>({ name: this.names.of(sql), text: sql, values });
  }
}

async function run<Row extends object>(pool: Pool, query: QueryConfig): Promise<QueryResult<Row>> {
  try {
    return await pool.query<Row>(query);
  } catch (error) {
    throw toDatabaseError(error);
  }
}
