import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';

import { hasRedis, RedisServer } from '../../../../../test/support/redis-server.js';
import type { CachedPicture } from './cached-picture.js';
import { ownerPart } from './picture-identity.js';
import { ResultCache } from './result-cache.js';

// What is remembered of drawn pictures, where, and for how long.

const picture: CachedPicture = { jobId: 'j', key: 'k', sha256: 'ab', width: 1, height: 1, warnings: ['cut'] };

function open(fields: { url?: string; ttlMs?: number; maxEntries?: number } = {}): ResultCache {
  const cache = new ResultCache({ resultCache: { url: undefined, ttlMs: 60_000, maxEntries: 3, ...fields } });
  onTestFinished(() => cache.onApplicationShutdown());
  return cache;
}

/** Two pictures of ada's and two of others, then ada erased twice: how many went, and what is still known. */
async function eraseAda(cache: ResultCache): Promise<{ erased: number[]; known: string[] }> {
  const owners = [ownerPart('t', 'ada'), ownerPart('t', 'adam'), ownerPart('u', 'ada')];
  const names = [`${owners[0]}1`, ...owners.map((owner) => `${owner}2`)];
  for (const name of names) await cache.remember(name, picture);
  const erased = [await cache.erase('t', 'ada'), await cache.erase('t', 'ada')];
  const found = await Promise.all(names.map((name) => cache.find(name)));
  return { erased, known: names.filter((_, at) => found[at] !== 'miss') };
}
const othersOnly = { erased: [2, 0], known: [`${ownerPart('t', 'adam')}2`, `${ownerPart('u', 'ada')}2`] };

describe('in memory', () => {
  it('remembers, and forgets when told', async () => {
    const cache = open();
    expect(await cache.find('x')).toBe('miss');
    await cache.remember('x', picture);
    expect(await cache.find('x')).toEqual(picture);
    await cache.forget('x');
    expect(await cache.find('x')).toBe('miss');
  });

  it('holds so many and no more: the least recently asked for leave', async () => {
    const cache = open();
    for (const name of ['a', 'b', 'c']) await cache.remember(name, picture);
    await cache.find('a');
    await cache.remember('d', picture);
    const found = await Promise.all(['a', 'b', 'c', 'd'].map((name) => cache.find(name)));
    expect(found.map((one) => one !== 'miss')).toEqual([true, false, true, true]);
  });

  it('forgets by itself when the time is over', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const cache = open({ ttlMs: 1000 });
    await cache.remember('x', picture);
    vi.setSystemTime(Date.now() + 999);
    expect(await cache.find('x')).toEqual(picture);
    vi.setSystemTime(Date.now() + 2);
    expect(await cache.find('x')).toBe('miss');
  });

  it('forgets a user, and nobody else', async () => {
    expect(await eraseAda(open({ maxEntries: 9 }))).toEqual(othersOnly);
  });

  it('can be switched off', async () => {
    expect(open({ ttlMs: 0 }).isOn).toBe(false);
    expect(await open({ ttlMs: 0 }).erase('t', 'ada')).toBe(0);
    expect(open().isOn).toBe(true);
  });
});

describe.skipIf(!hasRedis)('in Redis', () => {
  let server: RedisServer;
  const warn = vi.fn<(...words: unknown[]) => void>();
  const log = vi.fn<(...words: unknown[]) => void>();

  beforeEach(async () => {
    server = await RedisServer.start();
    vi.spyOn(Logger.prototype, 'warn').mockImplementation(warn);
    vi.spyOn(Logger.prototype, 'log').mockImplementation(log);
  });
  afterEach(async () => {
    await server.stop();
    vi.restoreAllMocks();
    vi.clearAllMocks();
  });

  /** A cache that has reached its server. */
  async function connected(url = server.url): Promise<ResultCache> {
    const cache = open({ url });
    await vi.waitFor(async () => expect(await cache.find('-')).toBe('miss'), 5000);
    return cache;
  }

  it('is shared by all instances, and holds no pictures', async () => {
    const [one, other] = [await connected(), await connected()];
    await one.remember('t:x', picture);
    expect(await other.find('t:x')).toEqual(picture);
    expect(await server.keys()).toEqual(['illustration-results::t:x']);
    await other.forget('t:x');
    expect(await one.find('t:x')).toBe('miss');
  });

  it('forgets a user, and nobody else', async () => {
    expect(await eraseAda(await connected())).toEqual(othersOnly);
  });

  it('does not say that a user is forgotten while the server is away', async () => {
    const cache = await connected();
    await server.end();
    await expect(cache.erase('t', 'ada')).rejects.toMatchObject({ reason: 'storage-unavailable' });
  });

  it('leaves to the server how long a picture is known', async () => {
    const cache = open({ url: server.url, ttlMs: 300 });
    await vi.waitFor(async () => expect(await cache.find('-')).toBe('miss'), 5000);
    await cache.remember('x', picture);
    expect(await server.keys()).toHaveLength(1);
    await vi.waitFor(async () => expect(await server.keys()).toEqual([]), 5000);
  });

  it('takes an entry of another form for none', async () => {
    const cache = await connected();
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as another version might have written it
    await cache.remember('x', { jobId: 'j' } as CachedPicture);
    expect(await cache.find('x')).toBe('miss');
  });

  it('does without a server that went away, says so once, and uses it again when it is back', async () => {
    const cache = await connected();
    await cache.remember('x', picture);
    warn.mockClear();
    await server.end();
    await vi.waitFor(async () => expect(await cache.find('x')).toBe('unavailable'), 5000);
    await cache.remember('y', picture);
    await cache.forget('y');
    expect(await cache.find('x')).toBe('unavailable');
    expect(warn).toHaveBeenCalledTimes(1);
    await server.startAgain();
    await vi.waitFor(async () => expect(await cache.find('x')).toBe('miss'), 10_000);
    expect(log).toHaveBeenCalledWith('the result cache answers again');
    await cache.remember('x', picture);
    expect(await cache.find('x')).toEqual(picture);
  });

  it('waits half a second for a server that does not answer, and no longer', async () => {
    const cache = await connected();
    server.freeze();
    const begunMs = performance.now();
    expect(await cache.find('x')).toBe('unavailable');
    expect(performance.now() - begunMs).toBeLessThan(5000);
    server.thaw();
    await vi.waitFor(async () => expect(await cache.find('x')).toBe('miss'), 10_000);
  });

  it('starts without its server', async () => {
    await server.end();
    const cache = open({ url: server.url });
    expect(await cache.find('x')).toBe('unavailable');
    await server.startAgain();
    await vi.waitFor(async () => expect(await cache.find('x')).toBe('miss'), 10_000);
  });
});
