import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { z } from 'zod';

import { DomainError } from '../errors/domain-error.js';
import { ObjectKeys } from '../storage/object-keys.js';
import {
  ObjectForbiddenError,
  ObjectNotFoundError,
  ObjectStore,
  ObjectTooLargeError,
  type ObjectStat,
} from '../storage/object-store.js';
import type { IllustrationKind } from './domain/illustration-request.js';
import type { Drawing } from './domain/illustrator.js';
import { pngSize } from './png-size.js';
import { resultKeysOf } from './result-keys.js';

/** The largest picture that is read back. */
export const maxPictureBytes = 64 * 1024 * 1024;

/** A picture as it lies in the store. */
export interface StoredPicture {
  key: string;
  width: number;
  height: number;
  /** Of the PNG, lower-case hexadecimal. */
  sha256: string;
  sizeBytes: number;
}

/** What `keep` writes beside a picture, so that an adopting attempt need not read it. */
const pictureMetadata = z.object({
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  width: z.coerce.number().int().positive(),
  height: z.coerce.number().int().positive(),
});

/** Keeps finished pictures in the object store, each under a key of its own that was fixed when its job was accepted. */
@Injectable()
export class Results {
  constructor(
    private readonly store: ObjectStore,
    private readonly keys: ObjectKeys,
  ) {}

  /** One key an image: the job's id, then `-2`, `-3` ... behind it. */
  keysOf(request: { kind: IllustrationKind; userId: string; n: number }, jobId: string): string[] {
    return resultKeysOf(this.keys, request, jobId);
  }

  /**
   * Stores the picture, unless an earlier attempt at the same job has stored one: then that one is the result, because
   * somebody may have been told of it. It cannot be stopped: a write that is given up may be applied all the same, and
   * the picture would belong to a job that did not succeed. The store's own limits bound it.
   *
   * @throws DomainError `storage-unavailable`
   */
  async keep(
    key: string,
    { png, sha256, width, height }: Pick<Drawing, 'png' | 'sha256' | 'width' | 'height'>,
  ): Promise<{ picture: StoredPicture; isAdopted: boolean }> {
    const metadata = { sha256, width: String(width), height: String(height) };
    const outcome = await this.store.putIfAbsent(key, { body: png, contentType: 'image/png', metadata });
    if (outcome === 'stored')
      return { picture: { key, width, height, sha256, sizeBytes: png.length }, isAdopted: false };
    const picture = await this.find(key);
    if (picture === undefined) throw new DomainError('storage-unavailable', 'The object store lost a picture.');
    return { picture, isAdopted: true };
  }

  /**
   * The picture that an earlier attempt has stored under the key; undefined: none has.
   *
   * @throws DomainError `storage-unavailable`, or `generation-failed` when what lies there is no whole picture
   */
  async find(key: string, signal?: AbortSignal): Promise<StoredPicture | undefined> {
    const stat = await this.stat(key, signal);
    if (stat === undefined) return undefined;
    const known = pictureMetadata.safeParse(stat.metadata);
    return known.success ? { key, ...known.data, sizeBytes: stat.sizeBytes } : this.verify(key, signal);
  }

  /** Removes what attempts may have stored under the keys of a job that has no result. */
  async discard(keys: string[]): Promise<void> {
    await Promise.all(keys.map((key) => this.store.remove(key)));
  }

  /** The whole PNG. @throws DomainError `storage-unavailable` also when it is not there any more. */
  async read(key: string, signal?: AbortSignal): Promise<Buffer> {
    try {
      return (await this.store.get(key, { maxBytes: maxPictureBytes, signal })).body;
    } catch (cause) {
      if (!isUnreadable(cause)) throw cause;
      throw new DomainError('storage-unavailable', 'The object store does not give the picture back.', { cause });
    }
  }

  /**
   * The PNG of a picture that was stored once; undefined: it is not there any more, or another.
   *
   * @throws DomainError `storage-unavailable`
   */
  async readIfWhole(
    { key, sha256 }: Pick<StoredPicture, 'key' | 'sha256'>,
    signal: AbortSignal,
  ): Promise<Buffer | undefined> {
    try {
      const { body } = await this.store.get(key, { maxBytes: maxPictureBytes, signal });
      return createHash('sha256').update(body).digest('hex') === sha256 ? body : undefined;
    } catch (error) {
      if (isUnreadable(error)) return undefined;
      throw error;
    }
  }

  /** Without `s3:ListBucket` a missing object is a 403, and one that we may read is never one. */
  private async stat(key: string, signal: AbortSignal | undefined): Promise<ObjectStat | undefined> {
    try {
      return await this.store.stat(key, { signal });
    } catch (error) {
      if (error instanceof ObjectForbiddenError) return undefined;
      throw error;
    }
  }

  private async verify(key: string, signal: AbortSignal | undefined): Promise<StoredPicture> {
    const png = await this.read(key, signal);
    const size = pngSize(png);
    if (size === undefined) throw new DomainError('generation-failed', 'What lies in place of the picture is none.');
    return { key, ...size, sha256: createHash('sha256').update(png).digest('hex'), sizeBytes: png.length };
  }
}

function isUnreadable(error: unknown): boolean {
  return [ObjectNotFoundError, ObjectForbiddenError, ObjectTooLargeError].some((one) => error instanceof one);
}
