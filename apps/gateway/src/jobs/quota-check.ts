import type { Queryable } from '../database/database.js';
import { DomainError } from '../errors/domain-error.js';
import type { Quotas } from './domain/quotas.js';

/** How one of a tenant's quotas stands after this request, as `RateLimit` tells it. */
export interface QuotaStanding {
  readonly name: 'requests' | 'jobs' | 'gpu-seconds';
  readonly limit: number;
  /** What is left, from 0. */
  readonly remaining: number;
  /** Over how long the limit counts; undefined: at any one time. */
  readonly windowSeconds?: number;
  /** Until all of it is there again; undefined: when a job ends. */
  readonly resetSeconds?: number;
}

export class QuotaExceededError extends DomainError {
  /** @param standings all of the tenant's quotas; `quota` is the one that is used up */
  constructor(
    detail: string,
    retryAfterSeconds: number,
    readonly standings: readonly QuotaStanding[],
    readonly quota: QuotaStanding['name'],
  ) {
    super('quota-exceeded', detail, { retryAfterSeconds });
  }
}

const minuteMs = 60_000;
const daySeconds = 86_400;
/** When a job ends nobody knows. */
const jobPauseSeconds = 5;

/**
 * Counts a request against its tenant's quotas, in the transaction that accepts it: a request that is refused, for
 * whatever reason, counts for nothing. The counts are the database's, so they hold over all gateways. The row of the
 * tenant stays locked until the transaction ends; two requests never both take the last place. Without quotas no
 * statement is sent.
 *
 * @throws QuotaExceededError
 */
export async function chargeQuotas(tx: Queryable, tenant: string, quotas: Quotas): Promise<QuotaStanding[]> {
  const { requestsPerMinute, concurrentJobs, gpuSecondsPerDay } = quotas;
  if (requestsPerMinute === undefined && concurrentJobs === undefined && gpuSecondsPerDay === undefined) return [];
  const rate = await chargeRequest(tx, tenant, requestsPerMinute);
  const jobs = concurrentJobs === undefined ? undefined : await jobsStanding(tx, tenant, concurrentJobs);
  const gpu = gpuSecondsPerDay === undefined ? undefined : await gpuStanding(tx, tenant, gpuSecondsPerDay);
  const standings = [rate?.standing, jobs?.standing, gpu?.standing].filter((standing) => standing !== undefined);
  for (const checked of [rate, jobs, gpu]) {
    if (checked?.refusal === undefined) continue;
    const { detail, retryAfterSeconds } = checked.refusal;
    throw new QuotaExceededError(detail, retryAfterSeconds, standings, checked.standing.name);
  }
  return standings;
}

interface Checked {
  standing: QuotaStanding;
  refusal?: { detail: string; retryAfterSeconds: number };
}

/**
 * The generic cell rate algorithm: each request pays for `interval`, and nobody may have paid for more than a minute
 * ahead. One number a tenant; a whole minute's requests may come at once, and no more than that in any minute after.
 */
async function chargeRequest(tx: Queryable, tenant: string, limit: number | undefined): Promise<Checked | undefined> {
  const intervalMs = limit === undefined ? 0 : minuteMs / limit;
  const [row] = await tx.query<{ aheadMs: number }>(
    `INSERT INTO illustration.request_rates AS r (tenant, paid_until)
     VALUES ($1, clock_timestamp() + $2::float8 * interval '1 ms')
     ON CONFLICT (tenant) DO UPDATE
       SET paid_until = GREATEST(r.paid_until, clock_timestamp()) + $2::float8 * interval '1 ms'
     RETURNING (extract(epoch FROM paid_until - clock_timestamp()) * 1000)::float8 AS "aheadMs"`,
    [tenant, intervalMs],
  );
  if (row === undefined) throw new Error('an upsert without a row');
  if (limit === undefined) return undefined;
  const roomMs = minuteMs - row.aheadMs;
  const standing: QuotaStanding = {
    name: 'requests',
    limit,
    remaining: Math.max(Math.floor(roomMs / intervalMs), 0),
    windowSeconds: minuteMs / 1000,
    resetSeconds: Math.ceil(Math.min(row.aheadMs, minuteMs) / 1000),
  };
  if (roomMs >= 0) return { standing };
  return {
    standing,
    refusal: { detail: `${limit} drawings a minute are used up.`, retryAfterSeconds: -roomMs / 1000 },
  };
}

async function jobsStanding(tx: Queryable, tenant: string, limit: number): Promise<Checked> {
  const [row] = await tx.query<{ open: number }>(
    `SELECT count(*)::int AS open FROM illustration.jobs WHERE tenant = $1 AND state IN ('queued', 'running')`,
    [tenant],
  );
  const open = row?.open ?? 0;
  const standing: QuotaStanding = { name: 'jobs', limit, remaining: Math.max(limit - open - 1, 0) };
  if (open < limit) return { standing };
  return { standing, refusal: { detail: `${limit} jobs wait or run already.`, retryAfterSeconds: jobPauseSeconds } };
}

/** What running jobs will take is not known yet: the last ones of a day may go beyond the limit. */
async function gpuStanding(tx: Queryable, tenant: string, limit: number): Promise<Checked> {
  const [row] = await tx.query<{ seconds: number; restSeconds: number }>(
    `SELECT COALESCE((SELECT seconds FROM illustration.gpu_usage WHERE tenant = $1 AND day = today.day), 0)::float8 AS seconds,
       extract(epoch FROM (today.day + 1)::timestamp - (clock_timestamp() AT TIME ZONE 'UTC'))::float8 AS "restSeconds"
     FROM (SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date AS day) today`,
    [tenant],
  );
  const { seconds = 0, restSeconds = daySeconds } = row ?? {};
  const standing: QuotaStanding = {
    name: 'gpu-seconds',
    limit,
    remaining: Math.max(Math.floor(limit - seconds), 0),
    windowSeconds: daySeconds,
    resetSeconds: Math.ceil(restSeconds),
  };
  if (seconds < limit) return { standing };
  return { standing, refusal: { detail: `${limit} GPU seconds a day are used up.`, retryAfterSeconds: restSeconds } };
}
