import { Counter, type Registry } from 'prom-client';

import { cacheOutcomes, resultLookedUp } from '../../illustration/result-cache/cache-signals.js';

/** How often a picture that was asked for was there already. */
export class CacheMetrics {
  private readonly lookups: Counter;

  constructor(registry: Registry) {
    this.lookups = new Counter({
      name: 'illustration_result_cache_lookups_total',
      help: 'Pictures with a seed looked for in the result cache. `outcome`: `hit`, `shared` with a job that was drawing it, `miss`, `vanished` from the object store, `bypassed` by the caller, `unavailable` cache.',
      labelNames: ['outcome'],
      registers: [registry],
    });
    for (const outcome of cacheOutcomes) this.lookups.inc({ outcome }, 0);
  }

  /** @returns how to stop */
  watch(): (() => void)[] {
    return [resultLookedUp.watch(({ outcome }) => this.lookups.inc({ outcome }))];
  }
}
