import { Injectable } from '@nestjs/common';

import { DomainError } from '../errors/domain-error.js';
import { ObjectKeys } from '../storage/object-keys.js';
import {
  ObjectForbiddenError,
  ObjectNotFoundError,
  ObjectStore,
  ObjectTooLargeError,
} from '../storage/object-store.js';
import type { IllustrationRequest } from './domain/illustration-request.js';

/** Largest reference image that is read; the worker looks into the bytes. */
export const maxReferenceImageBytes = 10 * 1024 * 1024;

/** Reads the picture of the person that is to be drawn: the avatar for a memory, the subject photo for a portrait. */
@Injectable()
export class ReferenceImages {
  constructor(
    private readonly store: ObjectStore,
    private readonly keys: ObjectKeys,
  ) {}

  /** @throws DomainError `avatar-not-found`, `avatar-forbidden`, `avatar-invalid`, `storage-unavailable`. */
  async read({ kind, userId }: IllustrationRequest, signal: AbortSignal): Promise<Buffer[]> {
    const key = kind === 'memory' ? this.keys.avatar(userId) : this.keys.subject(userId);
    try {
      const { body } = await this.store.get(key, { maxBytes: maxReferenceImageBytes, signal });
      return [body];
    } catch (cause) {
      throw referenceFailure(cause, key);
    }
  }
}

function referenceFailure(cause: unknown, key: string): unknown {
  if (cause instanceof ObjectNotFoundError) {
    return new DomainError('avatar-not-found', `There is no reference image under the key ${key}.`, { cause });
  }
  if (cause instanceof ObjectForbiddenError) {
    return new DomainError('avatar-forbidden', `The object store refuses us the reference image ${key}.`, { cause });
  }
  if (cause instanceof ObjectTooLargeError) {
    return new DomainError('avatar-invalid', 'The reference image is larger than 10 MiB.', { cause });
  }
  return cause;
}
