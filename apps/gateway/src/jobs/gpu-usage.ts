import type { Queryable } from '../database/database.js';
import type { JsonObject } from './domain/job.js';

/** Older days count for no quota; they are kept for whoever looks at the bill. */
const keptDays = 40;

/** What a succeeded job took of the GPU, as its receipt tells; 0: nothing, it was found drawn. */
export function gpuSecondsOf({ receipt }: { receipt: JsonObject | null }): number {
  const seconds = receipt?.['gpu_seconds'];
  return typeof seconds === 'number' ? seconds : 0;
}

/** Puts seconds, a parameter like `$1`, on the account of the tenant of `moved`, a part of the statement that ends a job. */
export function chargeSql(seconds: string): string {
  return `INSERT INTO illustration.gpu_usage AS u (tenant, day, seconds)
    SELECT tenant, (clock_timestamp() AT TIME ZONE 'UTC')::date, ${seconds}::float8 FROM moved WHERE ${seconds}::float8 > 0
    ON CONFLICT (tenant, day) DO UPDATE SET seconds = u.seconds + excluded.seconds`;
}

export async function forgetOldUsage(db: Queryable): Promise<void> {
  await db.query(
    `DELETE FROM illustration.gpu_usage WHERE day < (clock_timestamp() AT TIME ZONE 'UTC')::date - ${keptDays}`,
  );
}
