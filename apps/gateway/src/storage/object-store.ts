/** An object read from the store. */
export interface StoredObject {
  body: Buffer;
  etag?: string;
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
   * Is there an object? Reads nothing of it.
   *
   * @throws ObjectForbiddenError when the store refuses us.
   */
  abstract exists(key: string, options?: { signal?: AbortSignal }): Promise<boolean>;

  /** Writes a whole object; what readers see is all of it or nothing. */
  abstract put(key: string, body: Buffer, contentType: string, options?: { signal?: AbortSignal }): Promise<void>;

  abstract locate(key: string): ObjectLocation;

  /** Resolves when the store answers (and, where it can be known without writing, would take a write). */
  abstract check(): Promise<void>;
}

export class ObjectNotFoundError extends Error {
  override readonly name = 'ObjectNotFoundError';
}

export class ObjectForbiddenError extends Error {
  override readonly name = 'ObjectForbiddenError';
}

export class ObjectTooLargeError extends Error {
  override readonly name = 'ObjectTooLargeError';
}
