import type { PGlite, Transaction as PgliteTransaction } from '@electric-sql/pglite';
import { fromPglite, type Db } from 'pg-boss';
import { retryConflicts } from './conflict-retry.js';
import { Database, type Listening, type Transaction } from './database.js';
import { FolderLock } from './folder-lock.js';
import { PreparedStatements } from './prepared-statements.js';

/** PostgreSQL inside this process, its data in a folder that no other process may use meanwhile. */
export class PgliteDatabase extends Database {
  readonly backend = 'pglite';
  readonly forPgBoss: Db;
  private closing: Promise<void> | undefined;

  private constructor(
    private readonly pglite: PGlite,
    private readonly statements: PreparedStatements,
    private readonly lock: FolderLock,
  ) {
    super();
    this.forPgBoss = fromPglite(pglite);
  }

  /**
   * @param folder absolute path; made when it is not there
   * @throws FolderInUseError when another process has it open
   */
  static async open(folder: string): Promise<PgliteDatabase> {
    const lock = FolderLock.acquire(folder);
    try {
      // Loaded here, because with a server nobody needs the 20 MB of WebAssembly.
      const library = await import('@electric-sql/pglite');
      const pglite: PGlite = await library.PGlite.create(folder);
      return new PgliteDatabase(pglite, new PreparedStatements(pglite, library), lock);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  query<Row extends object>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    // What waits its turn here are transactions.
    return this.pglite.transaction(() => this.statements.run<Row>(sql, values));
  }

  transaction<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result> {
    return retryConflicts(() => this.attempt(work));
  }

  async listen(channel: string, onPayload: (payload: string) => void): Promise<Listening> {
    const unlisten = await this.pglite.listen(channel, onPayload);
    return { close: () => unlisten() };
  }

  close(): Promise<void> {
    this.closing ??= this.pglite.close().finally(() => this.lock.release());
    return this.closing;
  }

  private async attempt<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result> {
    const committed: (() => void)[] = [];
    const result = await this.pglite.transaction((tx) => work(new OpenTransaction(tx, this.statements, committed)));
    committed.forEach((tell) => tell());
    return result;
  }
}

class OpenTransaction implements Transaction {
  readonly forPgBoss: Db = { executeSql: (sql, values) => this.execute(sql, values) };

  constructor(
    private readonly tx: PgliteTransaction,
    private readonly statements: PreparedStatements,
    private readonly committed: (() => void)[],
  ) {}

  async query<Row extends object>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    if (this.tx.closed) throw new Error('the transaction has ended');
    return this.statements.run<Row>(sql, values);
  }

  async script(sql: string): Promise<void> {
    await this.tx.exec(sql);
  }

  afterCommit(tell: () => void): void {
    this.committed.push(tell);
  }

  /** Statements without parameters may be several, and only `exec` takes those. */
  private async execute(sql: string, values?: unknown[]): Promise<{ rows: object[] }> {
    if (values !== undefined && values.length > 0) return { rows: await this.query(sql, values) };
    const results = await this.tx.exec(sql);
    return { rows: results.flatMap(({ rows }) => rows as object[]) };
  }
}
