import { resultLookedUp, type CacheOutcome } from '../../apps/gateway/src/illustration/result-cache/cache-signals.js';

/** What was found in the result cache since this was made. */
export class CacheOutcomes {
  private readonly seen: CacheOutcome[] = [];
  readonly stop = resultLookedUp.watch(({ outcome }) => this.seen.push(outcome));

  of(outcome: CacheOutcome): number {
    return this.seen.filter((one) => one === outcome).length;
  }
}
