import { Injectable, Logger } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';

import { ObjectStore } from '../storage/object-store.js';

/** Callers give up on a health page after 2 s; the answer must be out before. */
const TIMEOUT_MS = 1_500;

/** Many probes, one question to the store. */
const CACHED_FOR_MS = 5_000;

/** Would the store take a result now? */
@Injectable()
export class ObjectStoreHealth {
  private readonly logger = new Logger(ObjectStoreHealth.name);

  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly store: ObjectStore,
  ) {}

  async check(): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check('object_store');
    const attempt = indicator
      .attempt(async () => this.ask())
      .withTimeout(TIMEOUT_MS)
      .cacheFor(CACHED_FOR_MS);
    const { object_store: outcome } = await attempt;
    // The reason why may hold addresses and keys: it goes to the log, not to the caller.
    return outcome.status === 'up' ? indicator.up() : indicator.down({ message: 'The object store does not answer.' });
  }

  private async ask(): Promise<void> {
    try {
      await this.store.check();
    } catch (error) {
      this.logger.warn({ err: error }, 'the object store does not answer');
      throw error;
    }
  }
}
