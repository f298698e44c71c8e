import { Injectable } from '@nestjs/common';
import { Database, type Queryable } from '../database/database.js';
import { DomainError } from '../errors/domain-error.js';
import type { Job } from './domain/job.js';

/** The queue as it stands, over all gateways. */
export interface Outlook {
  queued: number;
  running: number;
  /** Of the job waiting longest; 0 when none waits. */
  oldestQueuedSeconds: number;
  /** Jobs that the live gateways can run at once. */
  capacity: number;
  /** Mean of the latest runs; null: nothing was drawn yet. */
  serviceMs: number | null;
  /** Milliseconds of a run for each denoising step, of recent runs only; null: unknown. */
  stepMs: number | null;
}

export interface QueuePlace {
  /** Jobs in front of this one. */
  jobsAhead: number;
  /** Until it starts and until it ends; null: unknown, because nothing was drawn yet or nobody draws. */
  startsInMs: number | null;
  endsInMs: number | null;
}

const liveSeconds = 10;
const unknownWaitSeconds = 10;
const longestWaitSeconds = 3600;

/** What the queue can promise, from what the database shows: all gateways tell the same. */
@Injectable()
export class Capacity {
  constructor(private readonly database: Database) {}

  /**
   * Service time is measured over the latest 50 first attempts: later ones may have found the picture drawn already. So
   * have those with copies of known pictures; they are skipped, in a bounded number of rows, however many there are.
   * A step's time counts for ten minutes only, because it is used to refuse work: a wrong one must be able to heal.
   */
  async outlook(db: Queryable = this.database): Promise<Outlook> {
    const [row] = await db.query<Outlook>(`
      SELECT waiting.queued, waiting."oldestQueuedSeconds",
        (SELECT count(*)::int FROM illustration.jobs WHERE state = 'running') AS running,
        (SELECT COALESCE(sum(capacity), 0)::int FROM illustration.gateways
          WHERE heartbeat_at > clock_timestamp() - interval '${liveSeconds} seconds') AS capacity,
        recent."serviceMs", recent."stepMs"
      FROM (
        SELECT count(*)::int AS queued,
          COALESCE(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8 AS "oldestQueuedSeconds"
        FROM illustration.jobs WHERE state = 'queued'
      ) waiting, (
        SELECT avg(ms)::float8 AS "serviceMs",
          (sum(ms) FILTER (WHERE is_fresh) / sum(total_steps) FILTER (WHERE is_fresh))::float8 AS "stepMs"
        FROM (
          SELECT extract(epoch FROM finished_at - started_at) * 1000 AS ms, total_steps,
            finished_at > clock_timestamp() - interval '10 minutes' AS is_fresh
          FROM (
            SELECT started_at, finished_at, total_steps, result FROM illustration.jobs
            WHERE state = 'succeeded' AND attempt = 1 ORDER BY finished_at DESC LIMIT 200
          ) ended
          WHERE COALESCE((result->>'cached_images')::int, 0) = 0
          ORDER BY finished_at DESC LIMIT 50
        ) latest
      ) recent`);
    if (row === undefined) throw new Error('an aggregate without a row');
    return row;
  }

  /** Where a waiting job stands. */
  async placeOf({ tag, id }: Pick<Job, 'tag' | 'id'>): Promise<QueuePlace> {
    const [ahead, outlook] = await Promise.all([this.jobsAhead(tag, id), this.outlook()]);
    const startsInMs = waitMs(outlook, ahead);
    const endsInMs = startsInMs === null || outlook.serviceMs === null ? null : startsInMs + outlook.serviceMs;
    return { jobsAhead: ahead, startsInMs, endsInMs };
  }

  /** The refusal of a job when `limit` are waiting, with the seconds until there is room again. */
  async queueFull(tx: Queryable, limit: number): Promise<DomainError> {
    const outlook = await this.outlook(tx);
    const untilRoomMs = waitMs(outlook, Math.max(outlook.queued - limit, 0));
    const seconds = untilRoomMs === null ? unknownWaitSeconds : Math.ceil(untilRoomMs / 1000);
    return new DomainError('queue-full', `${limit} illustrations are waiting, which is as many as are accepted.`, {
      retryAfterSeconds: Math.min(Math.max(seconds, 1), longestWaitSeconds),
    });
  }

  /** Tells that a gateway lives and how many jobs it can run at once. */
  async announce(gatewayId: string, capacity: number): Promise<void> {
    await this.database.query(
      `INSERT INTO illustration.gateways (id, capacity, heartbeat_at) VALUES ($1::uuid, $2, clock_timestamp())
       ON CONFLICT (id) DO UPDATE SET capacity = excluded.capacity, heartbeat_at = excluded.heartbeat_at`,
      [gatewayId, capacity],
    );
  }

  async leave(gatewayId: string): Promise<void> {
    await this.database.query('DELETE FROM illustration.gateways WHERE id = $1::uuid', [gatewayId]);
  }

  private async jobsAhead(tag: number, id: string): Promise<number> {
    const [row] = await this.database.query<{ ahead: number }>(
      `SELECT count(*)::int AS ahead FROM illustration.jobs
       WHERE state = 'queued' AND (tag, id) < ($1::int, $2::uuid)`,
      [tag, id],
    );
    return row?.ahead ?? 0;
  }
}

/** With `capacity` runs going on, one ends every serviceMs / capacity; the job starts when enough of them have. */
export function waitMs({ capacity, running, serviceMs }: Outlook, jobsAhead: number): number | null {
  if (capacity === 0 || serviceMs === null) return null;
  const endsNeeded = jobsAhead + 1 - Math.max(capacity - running, 0);
  return Math.max(endsNeeded, 0) * (serviceMs / capacity);
}
