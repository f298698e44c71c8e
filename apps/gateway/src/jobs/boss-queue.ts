import { PgBoss, type JobAttempt } from 'pg-boss';
import type { Database, Transaction } from '../database/database.js';

export const queueName = 'illustrations';
export const deadLetterName = 'illustrations-dead';
/** pg-boss's own schema, beside ours. */
export const queueSchema = 'illustration_queue';

const longestSeconds = 10 * 365 * 24 * 3600;
const daySeconds = 24 * 3600;

export interface BossQueueOptions {
  maxAttempts: number;
  leaseSeconds: number;
  /** Trouble of pg-boss's background work: it goes on by itself. */
  onError: (error: unknown) => void;
}

/** pg-boss as we use it: two queues, and what is done to one entry inside a transaction. An entry has its job's id. */
export class BossQueue {
  private readonly boss: PgBoss;

  constructor(
    database: Database,
    private readonly options: BossQueueOptions,
  ) {
    this.boss = new PgBoss({
      db: database.forPgBoss,
      backend: database.backend,
      schema: queueSchema,
      // Its supervisor tidies up; lost leases are found sooner, and with the job's own row, by `JobRecovery`.
      schedule: false,
      registerInstance: false,
      flowIntervalSeconds: 3600,
      openTelemetry: { enabled: false },
    });
    this.boss.on('error', options.onError);
  }

  async start(): Promise<void> {
    await this.boss.start();
    const { maxAttempts, leaseSeconds } = this.options;
    // Nothing of ours may vanish from a queue by age: the job's deadline ends it, or nothing does.
    const keeping = { retentionSeconds: longestSeconds, expireInSeconds: daySeconds };
    await this.boss.createQueue(deadLetterName, keeping);
    const settings = {
      ...keeping,
      retryLimit: maxAttempts - 1,
      retryDelay: 0,
      heartbeatSeconds: leaseSeconds,
      deadLetter: deadLetterName,
      deleteAfterSeconds: daySeconds,
    };
    await this.boss.createQueue(queueName, settings);
    await this.boss.updateQueue(queueName, settings);
  }

  stop(): Promise<void> {
    return this.boss.stop({ close: false, graceful: false });
  }

  async send(tx: Transaction, jobId: string, tag: number): Promise<void> {
    const id = await this.boss.send(queueName, {}, { id: jobId, priority: -tag, db: tx.forPgBoss });
    if (id === null) throw new Error(`the queue holds an entry with the id ${jobId} already`);
  }

  /**
   * pg-boss's own statement that claims up to `count` entries, the next in fair order, as a part for one of ours. It
   * returns `id`, `retryCount` and `priority`, and has no parameters.
   */
  async claimSql(count: number): Promise<string> {
    let statement: string | undefined;
    const executeSql = (sql: string, values: unknown[] = []): Promise<{ rows: object[] }> => {
      if (values.length > 0) throw new Error('the statement that claims has parameters');
      statement = sql;
      return Promise.resolve({ rows: [] });
    };
    await this.boss.fetch(queueName, { batchSize: count, includeMetadata: true, db: { executeSql } });
    if (statement === undefined) throw new Error('pg-boss claims without a statement');
    return statement;
  }

  /** Gives a sign of life. @returns false when the attempt has lost its claim; so do the next four. */
  async touch(attempt: JobAttempt): Promise<boolean> {
    return hasAffected(await this.boss.touch(queueName, attempt));
  }

  async complete(tx: Transaction, attempt: JobAttempt): Promise<boolean> {
    return hasAffected(await this.boss.complete(queueName, attempt, null, { db: tx.forPgBoss }));
  }

  /** Ends an entry without a result, claimed (with its attempt) or waiting (by id). */
  async cancel(tx: Transaction, entry: JobAttempt | string): Promise<boolean> {
    return hasAffected(await this.boss.cancel(queueName, entry, { db: tx.forPgBoss }));
  }

  /** Ends the attempt: the entry waits for the next one, or goes to the dead letters when it was the last. */
  async fail(tx: Transaction, attempt: JobAttempt, why: object): Promise<boolean> {
    return hasAffected(await this.boss.fail(queueName, attempt, why, { db: tx.forPgBoss }));
  }

  /** Lets a waiting entry wait for some seconds more. */
  async postpone(tx: Transaction, jobId: string, seconds: number): Promise<void> {
    await this.boss.update(queueName, undefined, { id: jobId, startAfter: seconds, db: tx.forPgBoss });
  }

  /** Allows one attempt more to a claimed entry; pg-boss's own edits reach only waiting ones. */
  async allowOneMore(tx: Transaction, { id, retryCount }: JobAttempt): Promise<void> {
    await tx.query(
      `UPDATE ${queueSchema}.job SET retry_limit = retry_limit + 1
       WHERE name = $1 AND id = $2::uuid AND state = 'active' AND retry_count = $3`,
      [queueName, id, retryCount],
    );
  }

  /** Removes the entry and its dead letter, with why attempts failed. Only for a job that has ended. */
  async forget(tx: Transaction, jobId: string): Promise<void> {
    await tx.query(`DELETE FROM ${queueSchema}.job WHERE name = $1 AND id = $2::uuid`, [queueName, jobId]);
    await this.dropDeadLetter(tx, jobId);
  }

  async dropDeadLetter(tx: Transaction, jobId: string): Promise<void> {
    await tx.query(`DELETE FROM ${queueSchema}.job WHERE name = $1 AND source_id = $2::uuid`, [deadLetterName, jobId]);
  }
}

function hasAffected(response: object): boolean {
  return 'affected' in response && response.affected === 1;
}
