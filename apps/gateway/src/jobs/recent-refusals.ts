import type { Quotas } from './domain/quotas.js';
import { QuotaExceededError } from './quota-check.js';

interface Refusal {
  readonly error: QuotaExceededError;
  readonly untilMs: number;
  readonly limit: number | undefined;
}

/**
 * Tenants that have used up their requests, until there is one again: a flood is refused without asking the database,
 * and keeps nobody else from it. Only a help: what is not known here is found out there.
 */
export class RecentRefusals {
  private readonly refusals = new Map<string, Refusal>();

  /** @throws QuotaExceededError as it was thrown before, with the time that is left */
  check(tenant: string, { requestsPerMinute }: Quotas): void {
    const refusal = this.refusals.get(tenant);
    if (refusal === undefined) return;
    const leftMs = refusal.untilMs - performance.now();
    if (leftMs <= 0 || refusal.limit !== requestsPerMinute) {
      this.refusals.delete(tenant);
      return;
    }
    throw new QuotaExceededError(refusal.error.detail, leftMs / 1000, refusal.error.standings, 'requests');
  }

  /** Of the quotas only the requests' comes back at a known time. */
  remember(tenant: string, quotas: Quotas, error: QuotaExceededError): void {
    const seconds = error.options.retryAfterSeconds;
    if (error.quota !== 'requests' || seconds === undefined) return;
    this.refusals.set(tenant, { error, untilMs: performance.now() + seconds * 1000, limit: quotas.requestsPerMinute });
  }
}
