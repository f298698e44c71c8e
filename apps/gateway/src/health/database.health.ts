import { Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';

import { Database } from '../database/database.js';

/** Callers give up on a health page after 2 s; the answer must be out before. */
const TIMEOUT_MS = 1_500;

/** Many probes, one question to the database. */
const CACHED_FOR_MS = 1_000;

/** Would the database take a job now? */
@Injectable()
export class DatabaseHealth {
  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly database: Database,
  ) {}

  async check(): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check('database');
    const attempt = indicator
      .attempt(async () => {
        await this.database.query('SELECT 1');
      })
      .withTimeout(TIMEOUT_MS)
      .cacheFor(CACHED_FOR_MS);
    const { database: outcome } = await attempt;
    // The reason why may hold addresses; it is the database's to log.
    return outcome.status === 'up' ? indicator.up() : indicator.down({ message: 'The database does not answer.' });
  }
}
