import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { ObjectChangedError, ObjectForbiddenError, ObjectNotFoundError, ObjectTooLargeError } from '../object-store.js';
import { FileObjectStore } from './file-object-store.js';

const limits = { maxBytes: 1024 };
let base: string;
let folder: string;
let store: FileObjectStore;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'objects-'));
  folder = join(base, 'store');
  store = new FileObjectStore({ kind: 'file', folder, bucket: 'album' }, { url: () => 'http://host:1' });
});

afterEach(() => rm(base, { recursive: true }));

describe('FileObjectStore', () => {
  it('gives back what was put, and replaces it whole', async () => {
    await store.put('generated/ada/memory_1.png', Buffer.from('a longer first'), 'image/png');
    const first = await store.get('generated/ada/memory_1.png', limits);
    await store.put('generated/ada/memory_1.png', Buffer.from('second'), 'image/png');
    const second = await store.get('generated/ada/memory_1.png', limits);
    expect(second.body.toString()).toBe('second');
    expect(second.etag).not.toBe(first.etag);
    expect(second.etag).toMatch(/^"[0-9a-f-]+"$/);
    expect(await readdir(join(folder, 'generated/ada'))).toEqual(['memory_1.png']);
  });

  it('gives an object in pieces, as long as it is the one that was looked at', async () => {
    const key = 'loras/oil/lora.safetensors';
    const signal = new AbortController().signal;
    const content = randomBytes(1024 * 1024 + 17);
    await store.put(key, content, 'application/octet-stream');
    const { etag = '' } = (await store.stat(key)) ?? {};
    const pieces: Buffer[] = [];
    for await (const piece of store.stream(key, { etag, signal })) pieces.push(piece);
    expect(pieces.length).toBeGreaterThan(1);
    expect(Buffer.concat(pieces).equals(content)).toBe(true);
    expect((await store.get(key, { maxBytes: content.length })).etag).toBe(etag);

    await store.put(key, content, 'application/octet-stream');
    await expect(firstPiece(key, etag, signal)).rejects.toBeInstanceOf(ObjectChangedError);
    await store.remove(key);
    await expect(firstPiece(key, etag, signal)).rejects.toBeInstanceOf(ObjectNotFoundError);
  });

  it('stops giving pieces when it is aborted', async () => {
    const key = 'loras/oil/lora.safetensors';
    await store.put(key, randomBytes(1024 * 1024), 'application/octet-stream');
    const { etag = '' } = (await store.stat(key)) ?? {};
    const gone = new AbortController();
    const reason = new Error('nobody waits');
    const reading = (async () => {
      for await (const _ of store.stream(key, { etag, signal: gone.signal })) gone.abort(reason);
    })();
    await expect(reading).rejects.toBe(reason);
  });

  async function firstPiece(key: string, etag: string, signal: AbortSignal): Promise<Buffer | undefined> {
    for await (const piece of store.stream(key, { etag, signal })) return piece;
    return undefined;
  }

  it('names the object and where a browser finds it', () => {
    expect(store.locate('generated/ada/memory_1.png')).toEqual({
      s3Uri: 's3://album/generated/ada/memory_1.png',
      url: 'http://host:1/images/generated/ada/memory_1.png',
    });
  });

  it('knows what is missing', async () => {
    await expect(store.get('avatars/ada.png', limits)).rejects.toBeInstanceOf(ObjectNotFoundError);
    expect(await store.exists('avatars/ada.png')).toBe(false);
    await store.put('avatars/ada.png', Buffer.from('x'), 'image/png');
    expect(await store.exists('avatars/ada.png')).toBe(true);
    await expect(store.get('avatars/ada.png/x', limits)).rejects.toBeInstanceOf(ObjectNotFoundError);
    await expect(store.get('avatars', limits)).rejects.toBeInstanceOf(ObjectNotFoundError);
  });

  it('reads no more than asked for', async () => {
    await store.put('avatars/ada.png', Buffer.alloc(1025), 'image/png');
    await expect(store.get('avatars/ada.png', limits)).rejects.toBeInstanceOf(ObjectTooLargeError);
    await expect(store.get('avatars/ada.png', { maxBytes: 1025 })).resolves.toHaveProperty('body.length', 1025);
  });

  it.each(['../secret', 'avatars/../../secret', '/etc/passwd', 'avatars//ada.png', 'avatars/.hidden', 'a\\b', ''])(
    'does not leave its folder for %j',
    async (key) => {
      await mkdir(folder);
      await writeFile(join(base, 'secret'), 'secret');
      await expect(store.get(key, limits)).rejects.toBeInstanceOf(ObjectForbiddenError);
      await expect(store.put(key, Buffer.from('x'), 'image/png')).rejects.toMatchObject({
        reason: 'storage-unavailable',
      });
      expect(await readFile(join(base, 'secret'), 'utf8')).toBe('secret');
    },
  );

  it('follows no link out of its folder', async () => {
    const outside = join(base, 'outside');
    await mkdir(outside);
    await mkdir(join(folder, 'avatars'), { recursive: true });
    await writeFile(join(outside, 'ada.png'), 'secret');
    await symlink(outside, join(folder, 'generated'));
    await symlink(join(outside, 'ada.png'), join(folder, 'avatars/ada.png'));
    await expect(store.get('generated/ada.png', limits)).rejects.toBeInstanceOf(ObjectForbiddenError);
    await expect(store.get('avatars/ada.png', limits)).rejects.toBeInstanceOf(ObjectForbiddenError);
    await expect(store.put('generated/bob.png', Buffer.from('x'), 'image/png')).rejects.toMatchObject({
      reason: 'storage-unavailable',
    });
    // Replacing a link replaces the link, not the file it names.
    await store.put('avatars/ada.png', Buffer.from('own'), 'image/png');
    expect(await readFile(join(outside, 'ada.png'), 'utf8')).toBe('secret');
    expect(await readdir(outside)).toEqual(['ada.png']);
  });

  it('leaves nothing behind when a write cannot be finished', async () => {
    await mkdir(join(folder, 'avatars/ada.png'), { recursive: true });
    const put = store.put('avatars/ada.png', Buffer.from('x'), 'image/png');
    await expect(put).rejects.toMatchObject({
      reason: 'storage-unavailable',
      detail: 'The object store does not answer.',
    });
    expect(await readdir(join(folder, 'avatars'))).toEqual(['ada.png']);
  });

  it('of many writers lets one store under a new key', async () => {
    const key = 'generated/ada/memory_1.png';
    const writes = Array.from({ length: 10 }, (_, number) =>
      store.putIfAbsent(key, { body: Buffer.from(`picture ${number}`), contentType: 'image/png' }),
    );
    const outcomes = await Promise.all(writes);
    expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(1);
    const winner = `picture ${outcomes.indexOf('stored')}`;
    expect((await store.get(key, limits)).body.toString()).toBe(winner);
    expect(await store.stat(key)).toMatchObject({ sizeBytes: winner.length, metadata: {} });
    expect(await readdir(join(folder, 'generated/ada'))).toEqual(['memory_1.png']);
  });

  it('writes no new object through a link or out of its folder', async () => {
    await mkdir(folder);
    await symlink(join(base, 'outside'), join(folder, 'generated'));
    const object = { body: Buffer.from('x'), contentType: 'image/png' };
    for (const key of ['generated/bob.png', '../secret', '/etc/secret']) {
      await expect(store.putIfAbsent(key, object)).rejects.toMatchObject({ reason: 'storage-unavailable' });
    }
    expect(await readdir(base)).toEqual(['store']);
  });

  it('removes what a killed process has left, and nothing that is being written', async () => {
    await store.put('avatars/ada.png', Buffer.from('x'), 'image/png');
    const incoming = join(folder, '.incoming');
    expect(await readdir(incoming)).toEqual([]);
    await writeFile(join(incoming, 'abandoned'), 'half a pict');
    await writeFile(join(incoming, 'fresh'), 'half a pict');
    const twoHoursAgo = new Date(Date.now() - 7_200_000);
    await utimes(join(incoming, 'abandoned'), twoHoursAgo, twoHoursAgo);
    await store.onModuleInit();
    expect(await readdir(incoming)).toEqual(['fresh']);
    expect((await store.get('avatars/ada.png', limits)).body.toString()).toBe('x');
  });

  it('starts in a folder that is not there yet', async () => {
    await expect(store.onModuleInit()).resolves.toBeUndefined();
  });

  it('stops with the reason of the signal', async () => {
    const signal = AbortSignal.abort(new Error('left'));
    await expect(store.get('avatars/ada.png', { ...limits, signal })).rejects.toThrow('left');
    await expect(store.put('avatars/ada.png', Buffer.from('x'), 'image/png', { signal })).rejects.toThrow('left');
    expect(await store.exists('avatars/ada.png')).toBe(false);
  });

  it('removes an object, and does not mind when there is none', async () => {
    await store.put('generated/ada/one.png', Buffer.from('one'), 'image/png');
    await store.remove('generated/ada/one.png');
    expect(await store.exists('generated/ada/one.png')).toBe(false);
    await store.remove('generated/ada/one.png');
    await store.remove('generated/nobody/one.png');
  });

  it('checks that the folder can be made and written', async () => {
    await expect(store.check()).resolves.toBeUndefined();
    await writeFile(join(base, 'plain'), '');
    const impossible = { kind: 'file', folder: join(base, 'plain/store'), bucket: 'album' } as const;
    await expect(new FileObjectStore(impossible, { url: () => '' }).check()).rejects.toMatchObject({
      reason: 'storage-unavailable',
    });
  });

  it.skipIf(process.getuid?.() === 0)('tells a file it may not read from a missing one', async () => {
    await store.put('avatars/ada.png', Buffer.from('x'), 'image/png');
    await chmod(join(folder, 'avatars/ada.png'), 0);
    await expect(store.get('avatars/ada.png', limits)).rejects.toBeInstanceOf(ObjectForbiddenError);
  });
});
