import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';

import { Logger } from '@nestjs/common';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';

import { DomainError } from '../../errors/domain-error.js';
import { ObjectChangedError, ObjectForbiddenError, ObjectNotFoundError, ObjectTooLargeError } from '../object-store.js';
import { S3ObjectStore } from './s3-object-store.js';

const timeouts = { connectMs: 500, firstByteMs: 150, bodyIdleMs: 150 };
const limits = { maxBytes: 1024 };
let server: Server;
let store: S3ObjectStore;

/** A store that speaks to a server which answers every request by `listener`. */
async function serve(listener: RequestListener): Promise<S3ObjectStore> {
  server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('does not listen');
  // Frozen, as the configuration is.
  const credentials = Object.freeze({ accessKeyId: 'key', secretAccessKey: 'secret' });
  const endpointUrl = `http://127.0.0.1:${address.port}`;
  const config = { kind: 's3', bucket: 'album', region: 'us-east-1', endpointUrl, credentials } as const;
  store = new S3ObjectStore(config, { probeKey: 'generated/write-probe', timeouts });
  return store;
}

function refuse(status: number, code: string): RequestListener {
  return (request, response) => {
    response.writeHead(status, { 'Content-Type': 'application/xml' });
    response.end(request.method === 'HEAD' ? '' : `<Error><Code>${code}</Code><Message>no</Message></Error>`);
  };
}

async function failureOf(work: Promise<unknown>): Promise<DomainError> {
  const error: unknown = await work.then(() => undefined).catch((thrown: unknown) => thrown);
  if (!(error instanceof DomainError)) throw new Error('did not fail with a DomainError', { cause: error });
  return error;
}

beforeAll(() => Logger.overrideLogger(false));

afterEach(async () => {
  store.onApplicationShutdown();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

describe('S3ObjectStore', () => {
  it('reads an object, addressed path-style', async () => {
    const seen: IncomingMessage[] = [];
    await serve((request, response) => {
      seen.push(request);
      response.writeHead(200, { ETag: '"1f"' }).end('bytes');
    });
    expect(await store.get('avatars/ada.png', limits)).toEqual({ body: Buffer.from('bytes'), etag: '"1f"' });
    expect(seen[0]?.url).toMatch(/^\/album\/avatars\/ada\.png/);
  });

  describe('in pieces', () => {
    const etag = '"1f"';
    const present = new AbortController().signal;

    async function streamed(signal = present, onPiece?: () => Promise<void> | void): Promise<Buffer> {
      const pieces: Buffer[] = [];
      for await (const piece of store.stream('loras/oil/lora.safetensors', { etag, signal })) {
        pieces.push(piece);
        await onPiece?.();
      }
      return Buffer.concat(pieces);
    }

    it('gives an object of which the version is asked for', async () => {
      const content = Buffer.alloc(1024 * 1024, 'weights');
      let asked: string | undefined;
      await serve((request, response) => {
        asked = request.headers['if-match'];
        response.writeHead(200, { ETag: etag, 'Content-Length': content.length }).end(content);
      });
      expect((await streamed()).equals(content)).toBe(true);
      expect(asked).toBe(etag);
    });

    it('gives nothing of another version, whether the server knows If-Match or not', async () => {
      await serve(refuse(412, 'PreconditionFailed'));
      await expect(streamed()).rejects.toBeInstanceOf(ObjectChangedError);
      server
        .removeAllListeners('request')
        .on('request', (_, response) => response.writeHead(200, { ETag: '"20"' }).end('new'));
      await expect(streamed()).rejects.toBeInstanceOf(ObjectChangedError);
    });

    it('fails when a body stops in the middle, and not because its reader is slow', async () => {
      let finish: () => void = () => undefined;
      await serve((_, response) => {
        response.writeHead(200, { ETag: etag, 'Content-Length': 6 });
        response.write('one');
        finish = () => response.end('two');
      });
      expect((await failureOf(streamed())).reason).toBe('storage-unavailable');
      const slowly = streamed(present, () => {
        finish();
        return new Promise((resolve) => setTimeout(resolve, 2 * timeouts.bodyIdleMs));
      });
      expect((await slowly).toString()).toBe('onetwo');
    });

    it('stops when it is aborted', async () => {
      const gone = new AbortController();
      let isClosed = false;
      await serve((_, response) => {
        response.on('close', () => (isClosed = true));
        response.writeHead(200, { ETag: etag, 'Content-Length': 6 }).write('one');
      });
      const reason = new Error('nobody waits');
      await expect(streamed(gone.signal, () => gone.abort(reason))).rejects.toBe(reason);
      await expect.poll(() => isClosed).toBe(true);
    });
  });

  it('removes an object; a refusal is a failure of ours', async () => {
    const seen: string[] = [];
    await serve((request, response) => {
      seen.push(`${request.method} ${request.url?.split('?')[0]}`);
      response.writeHead(204).end();
    });
    await store.remove('generated/ada/memory_1.png');
    expect(seen).toEqual(['DELETE /album/generated/ada/memory_1.png']);
    server.removeAllListeners('request');
    server.on('request', refuse(403, 'AccessDenied'));
    expect((await failureOf(store.remove('generated/ada/memory_1.png'))).reason).toBe('storage-unavailable');
  });

  it('writes an object with its type, without headers that other servers refuse', async () => {
    let body: Buffer | undefined;
    let headers: IncomingMessage['headers'] = {};
    await serve((request, response) => {
      headers = request.headers;
      void buffer(request).then((received) => {
        body = received;
        return response.end();
      });
    });
    const picture = Buffer.alloc(3 * 1024 * 1024, 7);
    await store.put('generated/ada/memory_1.png', picture, 'image/png');
    expect(body?.equals(picture)).toBe(true);
    expect(headers['content-type']).toBe('image/png');
    expect(Object.keys(headers).filter((name) => /^expect$|checksum|trailer/.test(name))).toEqual([]);
    expect(store.locate('generated/ada/memory_1.png')).toEqual({ s3Uri: 's3://album/generated/ada/memory_1.png' });
  });

  it('survives a server that fails twice', async () => {
    let attempts = 0;
    await serve((request, response) => {
      attempts += 1;
      if (attempts < 3) refuse(503, 'SlowDown')(request, response);
      else response.end('bytes');
    });
    expect((await store.get('avatars/ada.png', limits)).body.toString()).toBe('bytes');
    expect(attempts).toBe(3);
  });

  it('tells a missing object from a missing bucket', async () => {
    await serve(refuse(404, 'NoSuchKey'));
    await expect(store.get('avatars/ada.png', limits)).rejects.toBeInstanceOf(ObjectNotFoundError);
    expect(await store.exists('avatars/ada.png')).toBe(false);
    server.removeAllListeners('request').on('request', refuse(404, 'NoSuchBucket'));
    expect((await failureOf(store.get('avatars/ada.png', limits))).reason).toBe('storage-unavailable');
  });

  it('tells when it is refused', async () => {
    await serve(refuse(403, 'AccessDenied'));
    await expect(store.get('avatars/ada.png', limits)).rejects.toBeInstanceOf(ObjectForbiddenError);
    await expect(store.exists('avatars/ada.png')).rejects.toBeInstanceOf(ObjectForbiddenError);
    const failure = await failureOf(store.put('generated/ada/memory_1.png', Buffer.from('x'), 'image/png'));
    expect(failure).toMatchObject({ reason: 'storage-unavailable', detail: 'The object store refuses us.' });
    await expect(store.check()).resolves.toBeUndefined();
  });

  it.each<[string, RequestListener]>([
    ['fails for ever', refuse(500, 'InternalError')],
    ['accepts and never answers', () => undefined],
    ['stops in the middle of the body', (_, response) => stall(response)],
    ['breaks off in the middle of the body', (_, response) => breakOff(response)],
    ['closes the connection at once', (request) => request.socket.destroy()],
  ])('is unavailable when the server %s', async (_, listener) => {
    await serve(listener);
    const failure = await failureOf(store.get('avatars/ada.png', limits));
    expect(failure).toMatchObject({ reason: 'storage-unavailable', detail: 'The object store does not answer.' });
    expect(failure.cause).toBeInstanceOf(Error);
  });

  it('is unavailable when nobody listens', async () => {
    await serve(() => undefined);
    await new Promise((resolve) => server.close(resolve));
    expect((await failureOf(store.check())).reason).toBe('storage-unavailable');
    expect((await failureOf(store.put('a/b.png', Buffer.from('x'), 'image/png'))).reason).toBe('storage-unavailable');
  });

  it('waits for a body that is slow but keeps coming', async () => {
    await serve((_, response) => void drip(response, Buffer.from('slowly but surely')));
    expect((await store.get('avatars/ada.png', limits)).body.toString()).toBe('slowly but surely');
  });

  it.each([
    ['announced', { 'Content-Length': '1025' }],
    ['not announced', { 'Transfer-Encoding': 'chunked' }],
  ])('reads no more than asked for, %s', async (_, headers) => {
    await serve((_request, response) => response.writeHead(200, headers).end(Buffer.alloc(1025)));
    await expect(store.get('avatars/ada.png', limits)).rejects.toBeInstanceOf(ObjectTooLargeError);
  });

  it.each<[string, RequestListener]>([
    ['the header', () => undefined],
    ['the body', (_, response) => stall(response)],
  ])('stops waiting for %s with the reason of the signal', async (_, listener) => {
    const gone = new AbortController();
    await serve((request, response) => {
      listener(request, response);
      setImmediate(() => gone.abort(new Error('left')));
    });
    await expect(store.get('avatars/ada.png', { ...limits, signal: gone.signal })).rejects.toThrow('left');
  });
});

/** A bucket in memory. `isConditional`: it honours `If-None-Match: *`, as the header asks. */
function bucketServer({ isConditional }: { isConditional: boolean }) {
  const objects = new Map<string, { body: Buffer; headers: IncomingMessage['headers'] }>();
  let conflicts = 0;
  const listener: RequestListener = (request, response) => {
    void buffer(request).then((body) => {
      const path = new URL(request.url ?? '', 'http://bucket').pathname;
      const object = objects.get(path);
      if (request.method === 'HEAD') {
        if (object === undefined) return response.writeHead(404).end();
        const metadata = Object.entries(object.headers).filter(([name]) => name.startsWith('x-amz-meta-'));
        return response.writeHead(200, { ...Object.fromEntries(metadata), 'Content-Length': object.body.length }).end();
      }
      if (conflicts > 0 && path !== '/album/generated/write-probe') {
        conflicts -= 1;
        return refuse(409, 'ConditionalRequestConflict')(request, response);
      }
      const mustBeNew = isConditional && request.headers['if-none-match'] === '*';
      if (mustBeNew && object !== undefined) return refuse(412, 'PreconditionFailed')(request, response);
      objects.set(path, { body, headers: request.headers });
      return response.end();
    });
  };
  return { objects, listener, conflictNext: (times: number) => (conflicts = times) };
}

describe.each([{ isConditional: true }, { isConditional: false }])('putIfAbsent, honoured: $isConditional', (kind) => {
  const key = 'generated/ada/memory_1.png';
  const picture = (text: string) => ({ body: Buffer.from(text), contentType: 'image/png', metadata: { sha256: text } });

  it('stores once, and leaves what is there', async () => {
    const bucket = bucketServer(kind);
    await serve(bucket.listener);
    expect(await store.putIfAbsent(key, picture('first'))).toBe('stored');
    expect(await store.putIfAbsent(key, picture('second'))).toBe('exists');
    expect(bucket.objects.get(`/album/${key}`)?.body.toString()).toBe('first');
    expect(await store.stat(key)).toEqual({ sizeBytes: 5, metadata: { sha256: 'first' } });
    expect(await store.stat('generated/ada/memory_2.png')).toBeUndefined();
  });

  it('learns what the server does from its first writes only', async () => {
    const seen: string[] = [];
    const bucket = bucketServer(kind);
    await serve((request, response) => {
      seen.push(`${request.method} ${request.url?.split('/').at(-1)?.split('?')[0]}`);
      bucket.listener(request, response);
    });
    await Promise.all([
      store.putIfAbsent(key, picture('a')),
      store.putIfAbsent(`${key.slice(0, -5)}2.png`, picture('b')),
    ]);
    expect(seen.filter((call) => call === 'PUT write-probe')).toHaveLength(2);
    expect(seen.filter((call) => call.startsWith('HEAD'))).toHaveLength(kind.isConditional ? 0 : 2);
  });
});

describe('putIfAbsent', () => {
  const picture = { body: Buffer.from('x'), contentType: 'image/png' };

  it('of many writers lets one store', async () => {
    await serve(bucketServer({ isConditional: true }).listener);
    const writes = Array.from({ length: 10 }, () => store.putIfAbsent('generated/ada/memory_1.png', picture));
    expect((await Promise.all(writes)).filter((outcome) => outcome === 'stored')).toHaveLength(1);
  });

  it('asks again while another write is under way, but not for ever', async () => {
    const bucket = bucketServer({ isConditional: true });
    await serve(bucket.listener);
    bucket.conflictNext(2);
    expect(await store.putIfAbsent('generated/ada/memory_1.png', picture)).toBe('stored');
    bucket.conflictNext(1000);
    expect((await failureOf(store.putIfAbsent('generated/ada/memory_2.png', picture))).reason).toBe(
      'storage-unavailable',
    );
  });

  it('takes a write that was applied before its connection broke for stored by whoever was first', async () => {
    const bucket = bucketServer({ isConditional: true });
    let isCut = false;
    await serve((request, response) => {
      if (request.url?.includes('memory_') && !isCut) {
        isCut = true;
        response.end = () => response.destroy();
      }
      bucket.listener(request, response);
    });
    expect(await store.putIfAbsent('generated/ada/memory_1.png', picture)).toBe('exists');
    expect((await store.stat('generated/ada/memory_1.png'))?.sizeBytes).toBe(1);
  });

  it('looks first on a server that says it cannot', async () => {
    const bucket = bucketServer({ isConditional: false });
    await serve((request, response) => {
      if (request.headers['if-none-match'] === undefined) bucket.listener(request, response);
      else refuse(501, 'NotImplemented')(request, response);
    });
    expect(await store.putIfAbsent('generated/ada/memory_1.png', picture)).toBe('stored');
    expect(await store.putIfAbsent('generated/ada/memory_1.png', picture)).toBe('exists');
  });

  it('asks anew after a server that did not answer at boot', async () => {
    const bucket = bucketServer({ isConditional: true });
    await serve(refuse(500, 'InternalError'));
    store.onApplicationBootstrap();
    expect((await failureOf(store.putIfAbsent('generated/ada/memory_1.png', picture))).reason).toBe(
      'storage-unavailable',
    );
    server.removeAllListeners('request').on('request', bucket.listener);
    expect(await store.putIfAbsent('generated/ada/memory_1.png', picture)).toBe('stored');
  });
});

it('signs a URL that lets a browser read the object for a while', async () => {
  const seen: string[] = [];
  await serve((request, response) => {
    seen.push(request.method ?? '');
    response.end('bytes');
  });
  const url = new URL(await store.downloadUrl('generated/ada/memory_1.png'));
  expect(url.pathname).toBe('/album/generated/ada/memory_1.png');
  expect(url.searchParams.get('X-Amz-Expires')).toBe('3600');
  expect(url.searchParams.get('X-Amz-Signature')).toMatch(/^[0-9a-f]{64}$/);
  expect(url.href).not.toContain('secret');
  expect(await (await fetch(url)).text()).toBe('bytes');
  expect(seen).toEqual(['GET']);
});

function stall(response: ServerResponse): void {
  response.writeHead(200, { 'Content-Length': '10' }).write('half ');
}

function breakOff(response: ServerResponse): void {
  stall(response);
  setImmediate(() => response.socket?.end());
}

/** One byte at a time, each well within the idle limit, all together beyond it. */
async function drip(response: ServerResponse, bytes: Buffer): Promise<void> {
  response.writeHead(200, { 'Content-Length': String(bytes.length) });
  for (const byte of bytes) {
    response.write(Buffer.of(byte));
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
  response.end();
}
