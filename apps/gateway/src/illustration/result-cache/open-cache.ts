import KeyvRedis, { createClient } from '@keyv/redis';
import { Keyv } from 'keyv';
import { LRUCache } from 'lru-cache';

import type { AppConfig } from '../../config/app-config.js';
import { claimDrawing, unsharedClaim, type DrawingClaim } from './drawing-claim.js';

const namespace = 'illustration-results';
const claimsNamespace = 'illustration-drawings';
const connectMs = 2000;
/** Commands that wait for a server which does not answer; more are refused at once. */
const mostWaitingCommands = 1000;

export interface OpenCache {
  entries: Keyv<unknown>;
  /** Removes all whose name begins so. @returns how many there were */
  removeAll: (prefix: string) => Promise<number>;
  /** undefined: another instance is drawing the picture. */
  claim: (identity: string) => Promise<DrawingClaim | undefined>;
  close: () => void;
}

/**
 * The place of the entries: this process's memory, bounded, the least recently used leave first; or a Redis server that
 * many instances share, where the server's own limit (`maxmemory`) bounds it.
 *
 * @param onTrouble the connection to Redis broke or cannot be made; it is tried again for ever
 */
export function openCache(
  { url, ttlMs, maxEntries }: AppConfig['resultCache'],
  onTrouble: (error: unknown) => void,
): OpenCache {
  const options = { namespace, ttl: ttlMs, throwOnErrors: true };
  if (url === undefined) {
    const memory = new LRUCache<string, string>({ max: maxEntries });
    const entries = new Keyv({ ...options, store: asStore(memory) });
    const removeAll = (prefix: string): Promise<number> => removeFrom(memory, `${namespace}:${prefix}`);
    return { entries, removeAll, claim: () => Promise.resolve(unsharedClaim), close: () => undefined };
  }
  // Without the offline queue a command fails at once while the server is away: a picture need not wait to be drawn.
  const client = createClient({
    url,
    disableOfflineQueue: true,
    commandsQueueMaxLength: mostWaitingCommands,
    socket: { connectTimeout: connectMs, reconnectStrategy: (attempts) => Math.min(100 * 2 ** attempts, 5000) },
  });
  client.on('error', onTrouble);
  client.connect().catch(onTrouble);
  const store = new KeyvRedis(client, { throwOnErrors: true });
  const entries = new Keyv({ ...options, store, useKeyPrefix: false });
  // Every failure reaches whoever asked as well.
  entries.on('error', () => undefined);
  const removeAll = async (prefix: string): Promise<number> => {
    let removed = 0;
    for await (const names of client.scanIterator({ MATCH: `${store.createKeyPrefix(prefix, namespace)}*` })) {
      if (names.length > 0) removed += await client.unlink(names);
    }
    return removed;
  };
  const claim = (identity: string): Promise<DrawingClaim | undefined> =>
    claimDrawing(client, `${claimsNamespace}::${identity}`, onTrouble);
  return { entries, removeAll, claim, close: () => client.isOpen && client.destroy() };
}

function removeFrom(memory: LRUCache<string, string>, prefix: string): Promise<number> {
  const names = [...memory.keys()].filter((name) => name.startsWith(prefix));
  names.forEach((name) => memory.delete(name));
  return Promise.resolve(names.length);
}

/** Keyv hands the time to live over as a number, where the cache takes options; it looks after the time itself. */
function asStore(cache: LRUCache<string, string>) {
  return {
    get: (key: string) => cache.get(key),
    set: (key: string, value: string) => void cache.set(key, value),
    delete: (key: string) => cache.delete(key),
    clear: () => cache.clear(),
  };
}
