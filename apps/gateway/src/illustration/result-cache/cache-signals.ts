import { Signal } from '../../observability/signal.js';

/**
 * What looking for a picture brought: `hit` it was remembered, `shared` another job was drawing it, `miss` it had to be
 * drawn, `vanished` it was remembered and is gone from the store, `bypassed` the caller wanted it drawn anew,
 * `unavailable` the cache did not answer.
 */
export const cacheOutcomes = ['hit', 'shared', 'miss', 'vanished', 'bypassed', 'unavailable'] as const;
export type CacheOutcome = (typeof cacheOutcomes)[number];

/** A picture with a seed of its caller's was looked for before it was drawn. */
export const resultLookedUp = new Signal<{ outcome: CacheOutcome }>();
