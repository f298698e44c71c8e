import { Injectable } from '@nestjs/common';

/**
 * What looking for a picture brought: `hit` it was remembered, `shared` another job was drawing it, `miss` it had to be
 * drawn, `vanished` it was remembered and is gone from the store, `bypassed` the caller wanted it drawn anew,
 * `unavailable` the cache did not answer.
 */
export const cacheOutcomes = ['hit', 'shared', 'miss', 'vanished', 'bypassed', 'unavailable'] as const;
export type CacheOutcome = (typeof cacheOutcomes)[number];

/** How often each outcome was met since the start: for metrics. */
@Injectable()
export class CacheCounts {
  private readonly counts = new Map<CacheOutcome, number>();

  record(outcome: CacheOutcome): void {
    this.counts.set(outcome, this.of(outcome) + 1);
  }

  of(outcome: CacheOutcome): number {
    return this.counts.get(outcome) ?? 0;
  }
}
