import { Injectable, ServiceUnavailableException } from '@nestjs/common';
import { HealthCheckService, type HealthCheckResult, type HealthIndicatorFunction } from '@nestjs/terminus';

import { DatabaseHealth } from './database.health.js';
import { DrainHealth } from './drain.health.js';
import { IllustratorHealth } from './illustrator.health.js';
import { ObjectStoreHealth } from './object-store.health.js';

export interface Readiness {
  isReady: boolean;
  /** The first thing that is down, in words; undefined when ready. */
  why: string | undefined;
  /** When to ask again if it is not ready. */
  retryAfterSeconds: number;
  report: HealthCheckResult;
}

/** For what tells no time of its own. */
const usualRetryAfterSeconds = 5;

/** Puts the indicators together for the health pages. */
@Injectable()
export class ReadinessChecks {
  constructor(
    private readonly health: HealthCheckService,
    private readonly drain: DrainHealth,
    private readonly database: DatabaseHealth,
    private readonly illustrator: IllustratorHealth,
    private readonly objectStore: ObjectStoreHealth,
  ) {}

  /**
   * Should a load balancer send requests here? The object store is left out: it is the same for every instance, so
   * taking them all away would only replace our `storage-unavailable` by the balancer's bare 503. Without the database
   * nothing at all can be accepted or told.
   */
  takesTraffic(): Promise<Readiness> {
    return this.run([() => this.drain.check(), () => this.database.check(), () => this.illustrator.check()]);
  }

  /** Could a generation start now and its result be kept? */
  canGenerate(): Promise<Readiness> {
    return this.run([
      () => this.drain.check(),
      () => this.database.check(),
      () => this.illustrator.check(),
      () => this.objectStore.check(),
    ]);
  }

  private async run(indicators: HealthIndicatorFunction[]): Promise<Readiness> {
    const report = await this.reportOf(indicators);
    const firstDown = Object.values(report.error ?? {})[0];
    const why: unknown = firstDown?.message;
    const seconds: unknown = firstDown?.['retry_after_seconds'];
    return {
      isReady: report.status === 'ok',
      why: typeof why === 'string' ? why : undefined,
      retryAfterSeconds: typeof seconds === 'number' ? seconds : usualRetryAfterSeconds,
      report,
    };
  }

  /** terminus throws a report that is not good; here both kinds are answers. */
  private async reportOf(indicators: HealthIndicatorFunction[]): Promise<HealthCheckResult> {
    try {
      return await this.health.check(indicators);
    } catch (error) {
      if (error instanceof ServiceUnavailableException) {
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- HealthCheckService makes it of its report
        return error.getResponse() as HealthCheckResult;
      }
      throw error;
    }
  }
}
