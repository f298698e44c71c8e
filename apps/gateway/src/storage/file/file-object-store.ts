import { constants, type Stats } from 'node:fs';
import { access, lstat, mkdir, open, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { Logger, type OnModuleInit } from '@nestjs/common';

import type { FileStoreConfig } from '../../config/app-config.js';
import { DomainError } from '../../errors/domain-error.js';
import {
  ObjectChangedError,
  ObjectForbiddenError,
  ObjectNotFoundError,
  ObjectStore,
  ObjectTooLargeError,
  type ConditionalPut,
  type NewObject,
  type ObjectLocation,
  type ObjectStat,
  type StoredObject,
} from '../object-store.js';
import { AtomicWrites } from './atomic-write.js';
import { OutsideFolderError, pathOfKey, proveContained } from './contained-path.js';

/** Hidden: no key leads there. In the store's folder, so that a finished file need only be renamed. */
const incomingFolder = '.incoming';
// NONBLOCK: opening a pipe somebody put there must not hang; the type is checked after.
const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

const streamPieceBytes = 256 * 1024;

interface Options {
  signal?: AbortSignal;
}

/** Objects as plain files below one folder: the default for a laptop. Needs no server. */
export class FileObjectStore extends ObjectStore implements OnModuleInit {
  private readonly logger = new Logger(FileObjectStore.name);
  private readonly writes: AtomicWrites;

  constructor(
    private readonly config: FileStoreConfig,
    private readonly address: { url(): string },
  ) {
    super();
    this.writes = new AtomicWrites(join(config.folder, incomingFolder));
  }

  /** What a killed process has left is only in the way: that it cannot be removed is no reason not to start. */
  async onModuleInit(): Promise<void> {
    await this.writes
      .removeAbandoned()
      .catch((error: unknown) => this.logger.warn({ err: error }, 'unfinished files of a killed process stay'));
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

  /** What is read is the file that was opened, whatever is put in its place meanwhile. */
  async *stream(key: string, { etag, signal }: { etag: string; signal: AbortSignal }): AsyncGenerator<Buffer> {
    signal.throwIfAborted();
    try {
      const file = await open(await this.contained(key), readFlags);
      try {
        const stats = await file.stat();
        if (!stats.isFile()) throw new ObjectNotFoundError(key);
        if (etagOf(stats) !== etag) throw new ObjectChangedError(key);
        yield* file.createReadStream({ autoClose: false, highWaterMark: streamPieceBytes, signal });
      } finally {
        await file.close();
      }
    } catch (error) {
      signal.throwIfAborted();
      throw readFailure(error, key);
    }
  }

  async stat(key: string, { signal }: Options = {}): Promise<ObjectStat | undefined> {
    signal?.throwIfAborted();
    try {
      const stats = await lstat(await this.contained(key));
      return stats.isFile() ? { sizeBytes: stats.size, etag: etagOf(stats), metadata: {} } : undefined;
    } catch (error) {
      const failure = readFailure(error, key);
      if (failure instanceof ObjectNotFoundError) return undefined;
      throw failure;
    }
  }

  async put(key: string, body: Buffer, _contentType: string, { signal }: Options = {}): Promise<void> {
    await this.write(key, signal, (path) => this.writes.replace(path, body, signal));
  }

  async putIfAbsent(key: string, { body }: NewObject, { signal }: Options = {}): Promise<ConditionalPut> {
    const isStored = await this.write(key, signal, (path) => this.writes.create(path, body, signal));
    return isStored ? 'stored' : 'exists';
  }

  async remove(key: string): Promise<void> {
    try {
      await rm(await this.contained(key), { force: true });
    } catch (error) {
      // The folder of the object is not there either.
      if (!missingCodes.has(codeOf(error))) throw unavailable(error);
    }
  }

  locate(key: string): ObjectLocation {
    return { s3Uri: `s3://${this.config.bucket}/${key}`, url: `${this.address.url()}/images/${key}` };
  }

  async downloadUrl(key: string): Promise<string> {
    return `${this.address.url()}/images/${key}`;
  }

  async check(): Promise<void> {
    try {
      await mkdir(this.config.folder, { recursive: true });
      await access(this.config.folder, constants.R_OK | constants.W_OK | constants.X_OK);
    } catch (error) {
      throw unavailable(error);
    }
  }

  private async write<T>(key: string, signal: AbortSignal | undefined, work: (path: string) => Promise<T>): Promise<T> {
    signal?.throwIfAborted();
    try {
      const path = pathOfKey(this.config.folder, key);
      await mkdir(dirname(path), { recursive: true });
      await proveContained(this.config.folder, path);
      return await work(path);
    } catch (error) {
      signal?.throwIfAborted();
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
  return { body, etag: etagOf(stats) };
}

/** Writes replace the file, so new content is a new inode. */
function etagOf({ ino, size, mtimeMs }: Stats): string {
  const version = [ino, size, Math.floor(mtimeMs)].map((part) => part.toString(16));
  return `"${version.join('-')}"`;
}

const missingCodes: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR']);
// ELOOP: a link where a file should be, which O_NOFOLLOW does not open.
const forbiddenCodes: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'ELOOP']);

function readFailure(error: unknown, key: string): Error {
  if (error instanceof ObjectNotFoundError || error instanceof ObjectTooLargeError) return error;
  if (error instanceof ObjectChangedError) return error;
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
