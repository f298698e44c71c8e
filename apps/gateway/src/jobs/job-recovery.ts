import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../database/database.js';
import { BossQueue, queueName, queueSchema } from './boss-queue.js';
import { afterFailedAttempt, endAttempt, endingOfWaiting } from './end-attempt.js';
import { lostEntry, noSignOfLife } from './job-errors.js';
import { forgetOldUsage } from './gpu-usage.js';
import { advance } from './job-log.js';
import { isLapsedSql, lockEntry } from './queue-entry.js';
import { selectJobs } from './job-rows.js';

const batch = 100;
/** Ended jobs that one `tidy` forgets at most: their events go with them. */
const forgetAtOnce = 1000;
/**
 * A job that waited for its turn when its instance died is not charged for it, so often. Not for ever: reading what it
 * asks for may be what kills.
 */
const unchargedDeaths = 10;

/**
 * Finds jobs that nobody moves any more. Every gateway sweeps; they take turns at the rows, and what one has done the
 * next finds done.
 */
@Injectable()
export class JobRecovery {
  constructor(
    private readonly database: Database,
    private readonly queue: BossQueue,
  ) {}

  /** Re-queues runs whose lease has lapsed, ends waiting jobs that are overdue. */
  async sweep(): Promise<void> {
    for (const id of await this.idsOf(lostRuns)) await this.database.transaction((tx) => this.recover(tx, id));
    for (const id of await this.idsOf(overdueJobs)) await this.database.transaction((tx) => this.endWaiting(tx, id));
  }

  /** Re-queues every run. Only for the owner of an embedded database, before it leases: whoever ran them is dead. */
  async reclaimAll(): Promise<number> {
    const ids = await this.idsOf(`SELECT id FROM illustration.jobs WHERE state = 'running'`);
    for (const id of ids) await this.database.transaction((tx) => this.recover(tx, id, true));
    return ids.length;
  }

  /** Forgets what has served its time. `retentionMs`: of ended jobs; 0: they are kept for ever. */
  async tidy(retentionMs: number): Promise<void> {
    await this.database.query('DELETE FROM illustration.idempotency_keys WHERE expires_at <= clock_timestamp()');
    await this.database.query(
      `DELETE FROM illustration.gateways WHERE heartbeat_at < clock_timestamp() - interval '1 hour'`,
    );
    await forgetOldUsage(this.database);
    if (retentionMs > 0) await this.database.query(forgetEnded, [retentionMs, forgetAtOnce]);
  }

  private async idsOf(sql: string): Promise<string[]> {
    return (await this.database.query<{ id: string }>(sql)).map(({ id }) => id);
  }

  private async recover(tx: Transaction, jobId: string, isOwnerDead = false): Promise<void> {
    const entry = await lockEntry(tx, jobId);
    const [job] = await selectJobs(tx, 'WHERE id = $1::uuid', [jobId]);
    if (job?.state !== 'running') return;
    switch (entry?.state) {
      case 'active': {
        const attempt = { id: jobId, retryCount: entry.retryCount };
        if (!entry.isLapsed && !isOwnerDead) break;
        // Without progress the worker had not begun it.
        if (job.progress === null && entry.retryCount < unchargedDeaths) await this.queue.allowOneMore(tx, attempt);
        await endAttempt(tx, this.queue, { attempt, why: noSignOfLife, pauseSeconds: 0 });
        break;
      }
      // pg-boss's own supervisor was there first: only the job's side of it is missing.
      case 'created':
      case 'retry':
      case 'failed':
        await afterFailedAttempt(tx, this.queue, { jobId, why: noSignOfLife, pauseSeconds: 0 });
        break;
      case 'completed':
      case 'cancelled':
      case undefined:
        await advance(tx, jobId, { type: 'failed', error: lostEntry });
    }
  }

  private async endWaiting(tx: Transaction, jobId: string): Promise<void> {
    await lockEntry(tx, jobId);
    const ending = await endingOfWaiting(tx, jobId);
    const [job] = await selectJobs(tx, 'WHERE id = $1::uuid', [jobId]);
    if (ending === undefined || job?.state !== 'queued') return;
    await this.queue.cancel(tx, jobId);
    await advance(tx, jobId, ending);
  }
}

const lostRuns = `
  SELECT j.id FROM illustration.jobs j
  LEFT JOIN ${queueSchema}.job q ON q.name = '${queueName}' AND q.id = j.id
  WHERE j.state = 'running' AND (q.id IS NULL OR q.state <> 'active' OR ${isLapsedSql})
  LIMIT ${batch}`;

const overdueJobs = `
  SELECT id FROM illustration.jobs
  WHERE state = 'queued' AND (deadline <= clock_timestamp() OR is_cancel_requested)
  LIMIT ${batch}`;

/** Skips locked rows: gateways that tidy at the same time do not wait for each other. */
const forgetEnded = `
  DELETE FROM illustration.jobs WHERE id IN (
    SELECT id FROM illustration.jobs
    WHERE finished_at < clock_timestamp() - $1::float8 * interval '1 ms'
    ORDER BY finished_at LIMIT $2::int FOR UPDATE SKIP LOCKED)`;
