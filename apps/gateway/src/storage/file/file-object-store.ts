import { constants } from 'node:fs';
import { access, lstat, mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

import type { FileStoreConfig } from '../../config/app-config.js';
import { DomainError } from '../../errors/domain-error.js';
import {
  ObjectForbiddenError,
  ObjectNotFoundError,
  ObjectStore,
  ObjectTooLargeError,
  type ObjectLocation,
  type StoredObject,
} from '../object-store.js';
import { writeAtomically } from './atomic-write.js';
import { OutsideFolderError, pathOfKey, proveContained } from './contained-path.js';

// NONBLOCK: opening a pipe somebody put there must not hang; the type is checked after.
const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

interface Options {
  signal?: AbortSignal;
}

/** Objects as plain files below one folder: the default for a laptop. Needs no server. */
export class FileObjectStore extends ObjectStore {
  constructor(
    private readonly config: FileStoreConfig,
    private readonly address: { url(): string },
  ) {
    super();
  }

  async get(key: string, { maxBytes, signal }: Options & { maxBytes: number }): Promise<StoredObject> {
    signal?.throwIfAborted();
    try {
      const path = await this.contained(key);
      const file = await open(path, readFlags);
      try {
        return await readObject(file, key, maxBytes);
      } finally {
        await file.close();
      }
    } catch (error) {
      throw readFailure(error, key);
    }
  }

  async exists(key: string, { signal }: Options = {}): Promise<boolean> {
    signal?.throwIfAborted();
    try {
      return (await lstat(await this.contained(key))).isFile();
    } catch (error) {
      const failure = readFailure(error, key);
      if (failure instanceof ObjectNotFoundError) return false;
      throw failure;
    }
  }

  async put(key: string, body: Buffer, _contentType: string, { signal }: Options = {}): Promise<void> {
    signal?.throwIfAborted();
    try {
      const path = pathOfKey(this.config.folder, key);
      await mkdir(dirname(path), { recursive: true });
      await proveContained(this.config.folder, path);
      await writeAtomically(path, body, signal);
    } catch (error) {
      signal?.throwIfAborted();
      throw unavailable(error);
    }
  }

  locate(key: string): ObjectLocation {
    return { s3Uri: `s3://${this.config.bucket}/${key}`, url: `${this.address.url()}/images/${key}` };
  }

  async check(): Promise<void> {
    try {
      await mkdir(this.config.folder, { recursive: true });
      await access(this.config.folder, constants.R_OK | constants.W_OK | constants.X_OK);
    } catch (error) {
      throw unavailable(error);
    }
  }

  private async contained(key: string): Promise<string> {
    const path = pathOfKey(this.config.folder, key);
    await proveContained(this.config.folder, path);
    return path;
  }
}

async function readObject(file: FileHandle, key: string, maxBytes: number): Promise<StoredObject> {
  const stats = await file.stat();
  if (!stats.isFile()) throw new ObjectNotFoundError(key);
  if (stats.size > maxBytes) throw new ObjectTooLargeError(key);
  const body = Buffer.alloc(stats.size);
  let read = 0;
  while (read < body.length) {
    const { bytesRead } = await file.read(body, read, body.length - read, read);
    if (bytesRead === 0) throw new Error('the file became shorter while it was read');
    read += bytesRead;
  }
  // Writes replace the file, so new content is a new inode.
  const version = [stats.ino, stats.size, Math.floor(stats.mtimeMs)].map((part) => part.toString(16));
  return { body, etag: `"${version.join('-')}"` };
}

const missingCodes: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR']);
// ELOOP: a link where a file should be, which O_NOFOLLOW does not open.
const forbiddenCodes: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'ELOOP']);

function readFailure(error: unknown, key: string): Error {
  if (error instanceof ObjectNotFoundError || error instanceof ObjectTooLargeError) return error;
  const code = codeOf(error);
  if (missingCodes.has(code)) return new ObjectNotFoundError(key, { cause: error });
  if (error instanceof OutsideFolderError || forbiddenCodes.has(code)) {
    return new ObjectForbiddenError(key, { cause: error });
  }
  return unavailable(error);
}

function unavailable(error: unknown): DomainError {
  const isFull = ['ENOSPC', 'EDQUOT'].includes(codeOf(error));
  const detail = isFull ? 'The object store is full.' : 'The object store does not answer.';
  return new DomainError('storage-unavailable', detail, { cause: error });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
