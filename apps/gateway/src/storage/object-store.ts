/** An object read from the store. */
export interface StoredObject {
  body: Buffer;
  etag?: string;
}

/** What the store tells of an object without reading it. */
export interface ObjectStat {
  sizeBytes: number;
  /** Changes whenever the content does; undefined: the store does not tell. */
  etag: string | undefined;
  /** As it was given to `putIfAbsent`; empty from a store that keeps none (the file store). */
  metadata: ObjectMetadata;
}

/** Names in lower case, values in visible ASCII: S3 carries them as headers. */
export type ObjectMetadata = Readonly<Record<string, string>>;

/** `exists`: another write was first, and the object is that one's, untouched. */
export type ConditionalPut = 'stored' | 'exists';

export interface NewObject {
  body: Buffer;
  contentType: string;
  metadata?: ObjectMetadata;
}

/** Where an object lies, for the caller. */
export interface ObjectLocation {
  /** `s3://bucket/key`; the file store names its bucket as configured. */
  s3Uri: string;
  /** Where a browser can fetch it, when the store serves it itself (the file store does, under `/images`). */
  url?: string;
}

/**
 * The port to the object store. Keys come from `object-keys.ts`; nobody else makes one.
 * All methods reject with DomainError `storage-unavailable` when the store does not answer or fails, and with the
 * signal's reason when they are aborted.
 */
export abstract class ObjectStore {
  /**
   * Reads a whole object.
   *
   * @throws ObjectNotFoundError when there is none.
   * @throws ObjectForbiddenError when the store refuses us.
   * @throws ObjectTooLargeError when it is larger than `maxBytes`.
   */
  abstract get(key: string, options: { maxBytes: number; signal?: AbortSignal }): Promise<StoredObject>;

  /**
   * Reads an object in pieces, as fast as they are taken, provided that it is still the one with this etag.
   *
   * @throws ObjectNotFoundError, ObjectForbiddenError, and ObjectChangedError when it was replaced.
   */
  abstract stream(key: string, options: { etag: string; signal: AbortSignal }): AsyncIterable<Buffer>;

  /**
   * What is known of an object; undefined: there is none. Reads nothing of it.
   *
   * @throws ObjectForbiddenError when the store refuses us.
   */
  abstract stat(key: string, options?: { signal?: AbortSignal }): Promise<ObjectStat | undefined>;

  /** @throws ObjectForbiddenError when the store refuses us. */
  async exists(key: string, options?: { signal?: AbortSignal }): Promise<boolean> {
    return (await this.stat(key, options)) !== undefined;
  }

  /** Writes a whole object; what readers see is all of it or nothing. */
  abstract put(key: string, body: Buffer, contentType: string, options?: { signal?: AbortSignal }): Promise<void>;

  /**
   * Writes an object unless there is one under the key, as one step: of many writers one stores and the others learn
   * that it `exists`. A store that cannot do that says so in its log and looks before it writes.
   */
  abstract putIfAbsent(key: string, object: NewObject, options?: { signal?: AbortSignal }): Promise<ConditionalPut>;

  /** Removes an object; that there is none is no failure. */
  abstract remove(key: string): Promise<void>;

  abstract locate(key: string): ObjectLocation;

  /** A URL under which a browser can fetch the object without a credential of the store, if only for some time. */
  abstract downloadUrl(key: string): Promise<string>;

  /** Resolves when the store answers (and, where it can be known without writing, would take a write). */
  abstract check(): Promise<void>;
}

export class ObjectNotFoundError extends Error {
  override readonly name = 'ObjectNotFoundError';
}

export class ObjectForbiddenError extends Error {
  override readonly name = 'ObjectForbiddenError';
}

export class ObjectChangedError extends Error {
  override readonly name = 'ObjectChangedError';
}

export class ObjectTooLargeError extends Error {
  override readonly name = 'ObjectTooLargeError';
}
