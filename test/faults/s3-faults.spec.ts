// A real S3 server behind a proxy that fails: what each fault looks like from the service, how long it takes to be told,
// and that the GPU never starts without its reference image.
import { createHash } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { DomainError } from '../../apps/gateway/src/errors/domain-error.js';
import { ObjectForbiddenError, ObjectNotFoundError } from '../../apps/gateway/src/storage/object-store.js';
import { S3ObjectStore } from '../../apps/gateway/src/storage/s3/s3-object-store.js';
import { FaultProxy, type Fault } from '../support/fault-proxy.js';
import { GatewayApp } from '../support/gateway-app.js';
import { hasS3Server, S3Server } from '../support/s3-server.js';

const runs = 20;
const avatar = Buffer.alloc(200_000, 'avatar');
const limits = { maxBytes: 10_000_000 };

describe.skipIf(!hasS3Server)('behind a network that fails', () => {
  let s3: S3Server;
  let proxy: FaultProxy;
  const figures: string[] = [];

  beforeAll(async () => {
    Logger.overrideLogger(false);
    s3 = await S3Server.start();
    await s3.put('avatars/ada.png', avatar);
    proxy = await FaultProxy.start(s3.endpointUrl);
  }, 60_000);
  afterEach(() => proxy.heal());
  afterAll(async () => {
    await proxy?.stop();
    await s3?.stop();
    if (figures.length > 0)
      process.stdout.write(`S3 faults, time until the service knows (${runs} calls each):\n${figures.join('\n')}\n`);
  });

  /** With the timeouts of production; a breaker of its own for each test. */
  function open(settings: Partial<{ secretAccessKey: string; sessionToken: string }> = {}): S3ObjectStore {
    const credentials = {
      accessKeyId: s3.settings['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: s3.settings['AWS_SECRET_ACCESS_KEY'] ?? '',
      ...settings,
    };
    const config = { kind: 's3', bucket: s3.bucket, region: 'us-east-1', endpointUrl: proxy.url, credentials } as const;
    return new S3ObjectStore(config, { probeKey: 'generated/write-probe' });
  }

  /** How `runs` calls at once end, each by a client of its own, and how long they take. */
  async function outcomes(
    what: string,
    call: (store: S3ObjectStore, run: number) => Promise<unknown>,
  ): Promise<unknown[]> {
    const tookMs: number[] = [];
    const ends = await Promise.all(
      Array.from({ length: runs }, async (_, run) => {
        const store = open();
        const startedMs = performance.now();
        const end = await call(store, run).catch((error: unknown) => error);
        tookMs.push(performance.now() - startedMs);
        store.onApplicationShutdown();
        return end;
      }),
    );
    const sorted = tookMs.toSorted((one, other) => one - other);
    const at = (share: number): string => (sorted[Math.min(Math.ceil(share * runs), runs) - 1] ?? 0).toFixed(0);
    figures.push(`  ${what.padEnd(44)} p50 ${at(0.5).padStart(6)} ms   p99 ${at(0.99).padStart(6)} ms`);
    return ends;
  }

  const read = (store: S3ObjectStore): Promise<unknown> => store.get('avatars/ada.png', limits);

  it('reads what there is, without a fault', async () => {
    const ends = await outcomes('no fault', read);
    for (const end of ends) expect((end as { body: Buffer }).body.equals(avatar)).toBe(true);
  });

  it('survives a server that is busy twice', async () => {
    const store = open();
    proxy.fail({ kind: 'status', status: 503, code: 'SlowDown', times: 2 });
    expect(((await read(store)) as { body: Buffer }).body.equals(avatar)).toBe(true);
    store.onApplicationShutdown();
    // All clients together meet two faults a run.
    proxy.fail({ kind: 'status', status: 503, code: 'SlowDown', times: runs });
    for (const end of await outcomes('503 once or twice, then well', read)) expect(end).toHaveProperty('body');
  });

  it.each<[string, Fault, string]>([
    ['500 for ever', { kind: 'status', status: 500, code: 'InternalError' }, 'The object store does not answer.'],
    ['accepts and never answers', { kind: 'silence' }, 'The object store does not answer.'],
    ['stalls in the middle of a body', { kind: 'stall', afterBytes: 1000 }, 'The object store does not answer.'],
    ['cuts a body off', { kind: 'truncate', afterBytes: 1000 }, 'The object store does not answer.'],
    ['resets every connection', { kind: 'reset' }, 'The object store does not answer.'],
  ])('%s is storage-unavailable', { timeout: 90_000 }, async (what, fault, detail) => {
    proxy.fail(fault);
    const ends = await outcomes(what, read);
    for (const end of ends) expect(end).toMatchObject({ reason: 'storage-unavailable', detail });
  });

  it.each<[string, Fault, new (...args: never[]) => Error]>([
    ['403 on a read', { kind: 'status', status: 403, code: 'AccessDenied' }, ObjectForbiddenError],
    ['404 on a read', { kind: 'status', status: 404, code: 'NoSuchKey' }, ObjectNotFoundError],
    ['credentials that have run out', { kind: 'status', status: 403, code: 'ExpiredToken' }, ObjectForbiddenError],
    ['a clock that is wrong', { kind: 'status', status: 403, code: 'RequestTimeTooSkewed' }, ObjectForbiddenError],
  ])('%s is told at once, and apart', { timeout: 90_000 }, async (what, fault, kind) => {
    proxy.fail(fault);
    for (const end of await outcomes(what, read)) expect(end).toBeInstanceOf(kind);
  });

  it('is refused by the server itself with a wrong secret', async () => {
    const stranger = open({ secretAccessKey: 'a-wrong-secret' });
    await expect(read(stranger)).rejects.toBeInstanceOf(ObjectForbiddenError);
    stranger.onApplicationShutdown();
  });

  it('stores a picture once when its write was applied and the connection reset', { timeout: 90_000 }, async () => {
    const picture = Buffer.alloc(50_000, 'picture');
    const keyOf = (run: number): string => `generated/ada/memory_reset-${run}.png`;
    const ends: unknown[] = [];
    for (let run = 0; run < 5; run += 1) {
      const store = open();
      await store.putIfAbsent(`generated/ada/memory_warm-${run}.png`, { body: picture, contentType: 'image/png' });
      proxy.fail({ kind: 'reset-after-write' });
      ends.push(await store.putIfAbsent(keyOf(run), { body: picture, contentType: 'image/png' }));
      proxy.heal();
      const stored = await s3.get(`s3://${s3.bucket}/${keyOf(run)}`);
      expect(createHash('sha256').update(stored.body).digest('hex')).toBe(
        createHash('sha256').update(picture).digest('hex'),
      );
      store.onApplicationShutdown();
    }
    // The second attempt finds the first one's write: the caller reads it back and takes it for its own.
    expect(ends).toEqual(Array.from({ length: 5 }, () => 'exists'));
  });

  describe('for a long time', () => {
    it('is left alone after ten failures, and asked again after five seconds', { timeout: 90_000 }, async () => {
      const store = open();
      proxy.fail({ kind: 'status', status: 500, code: 'InternalError' });
      for (let call = 0; call < 10; call += 1) await expect(read(store)).rejects.toBeInstanceOf(DomainError);
      const asked = proxy.seen.length;
      const startedMs = performance.now();
      const refusals = await Promise.allSettled(Array.from({ length: 100 }, () => read(store)));
      const tookMs = performance.now() - startedMs;
      for (const refusal of refusals) {
        expect(refusal).toMatchObject({
          status: 'rejected',
          reason: { reason: 'storage-unavailable', options: { retryAfterSeconds: 5 } },
        });
      }
      expect(proxy.seen.length).toBe(asked);
      figures.push(`  ${'breaker open, 100 calls together'.padEnd(44)} ${tookMs.toFixed(0)} ms, no request sent`);
      proxy.heal();
      await expect
        .poll(
          () =>
            read(store).then(
              () => 'well',
              () => 'away',
            ),
          { timeout: 10_000, interval: 200 },
        )
        .toBe('well');
      store.onApplicationShutdown();
    });

    it('does not count answers: a thousand missing objects are no outage', async () => {
      const store = open();
      for (let call = 0; call < 30; call += 1) expect(await store.exists(`avatars/nobody-${call}.png`)).toBe(false);
      expect(((await read(store)) as { body: Buffer }).body.equals(avatar)).toBe(true);
      store.onApplicationShutdown();
    });
  });

  describe('the GPU', () => {
    let gateway: GatewayApp;

    beforeAll(async () => {
      gateway = await GatewayApp.start({ ...s3.settings, S3_ENDPOINT_URL: proxy.url });
    }, 60_000);
    afterAll(() => gateway?.stop());
    afterEach(() => gateway.fake.reset());

    it.each<[string, Fault, number, string]>([
      ['the reference is refused', { kind: 'status', status: 403, code: 'AccessDenied' }, 502, 'avatar-forbidden'],
      ['the reference is missing', { kind: 'status', status: 404, code: 'NoSuchKey' }, 422, 'avatar-not-found'],
      ['the store fails', { kind: 'status', status: 500, code: 'InternalError' }, 503, 'storage-unavailable'],
      ['the reference is cut off', { kind: 'truncate', afterBytes: 1000 }, 503, 'storage-unavailable'],
      ['connections are reset', { kind: 'reset' }, 503, 'storage-unavailable'],
    ])('never starts when %s', { timeout: 60_000 }, async (_, fault, status, error) => {
      proxy.fail(fault);
      const reply = await gateway.post('memory', { user_id: 'ada', prompt: 'the lake' });
      expect([reply.status, reply.body.error]).toEqual([status, error]);
      expect(gateway.fake.tasks).toEqual([]);
      proxy.heal();
    });

    it('draws when all is well again', { timeout: 60_000 }, async () => {
      const reply = await gateway.post('memory', { user_id: 'ada', prompt: 'the lake' });
      expect(reply.status).toBe(200);
      expect(gateway.fake.tasks).toHaveLength(1);
    });
  });
});
