import { createClient } from '@keyv/redis';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { hasRedis, RedisServer } from '../../../../../test/support/redis-server.js';
import { claimDrawing, type DrawingClaim } from './drawing-claim.js';

// Of several instances one draws; who dies, or is too late, keeps nobody from it.

const lapsesAfterMs = 300;

describe.skipIf(!hasRedis)('the claim of a drawing', () => {
  let server: RedisServer;
  const trouble = vi.fn<(error: unknown) => void>();

  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server.stop());

  async function instance() {
    const client = createClient({ url: server.url }).on('error', () => undefined);
    await client.connect();
    const claim = (name: string): Promise<DrawingClaim | undefined> =>
      claimDrawing(client, name, trouble, lapsesAfterMs);
    return { claim, die: () => client.destroy() };
  }

  it('is one of all instances, as long as it is held', async () => {
    const [one, other] = [await instance(), await instance()];
    const claim = await one.claim('held');
    expect(claim).toBeDefined();
    expect(await other.claim('held')).toBeUndefined();
    expect(await one.claim('held')).toBeUndefined();
    expect(await other.claim('another')).toBeDefined();
    // Renewed: without that it would be free by now.
    const heldUntil = Date.now() + 3 * lapsesAfterMs;
    while (Date.now() < heldUntil) expect(await other.claim('held')).toBeUndefined();
    await claim?.release();
    expect(await other.claim('held')).toBeDefined();
    expect(trouble).not.toHaveBeenCalled();
  });

  it('lapses when its instance dies', async () => {
    const [one, other] = [await instance(), await instance()];
    await one.claim('dies');
    one.die();
    expect(await other.claim('dies')).toBeUndefined();
    await vi.waitFor(async () => expect(await other.claim('dies')).toBeDefined(), 5000);
  });

  it('that has lapsed takes nothing from its next owner', async () => {
    const [one, other] = [await instance(), await instance()];
    const late = await one.claim('late');
    one.die();
    await vi.waitFor(async () => expect(await other.claim('late')).toBeDefined(), 5000);
    await late?.release();
    expect(await (await instance()).claim('late')).toBeUndefined();
  });
});
