import KeyvRedis, { createClient } from '@keyv/redis';
import { Keyv } from 'keyv';
import { LRUCache } from 'lru-cache';

import type { AppConfig } from '../../config/app-config.js';

const namespace = 'illustration-results';
const connectMs = 2000;
/** Commands that wait for a server which does not answer; more are refused at once. */
const mostWaitingCommands = 1000;

export interface OpenCache {
  entries: Keyv<unknown>;
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
    return { entries: new Keyv({ ...options, store: boundedMemory(maxEntries) }), close: () => undefined };
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
  return { entries, close: () => client.isOpen && client.destroy() };
}

/** Keyv hands the time to live over as a number, where the cache takes options; it looks after the time itself. */
function boundedMemory(max: number) {
  const cache = new LRUCache<string, string>({ max });
  return {
    get: (key: string) => cache.get(key),
    set: (key: string, value: string) => void cache.set(key, value),
    delete: (key: string) => cache.delete(key),
    clear: () => cache.clear(),
  };
}
