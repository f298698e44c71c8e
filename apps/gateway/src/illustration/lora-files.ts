import { Injectable } from '@nestjs/common';

import { DomainError } from '../errors/domain-error.js';
import { ObjectKeys } from '../storage/object-keys.js';
import {
  ObjectChangedError,
  ObjectForbiddenError,
  ObjectNotFoundError,
  ObjectStore,
  type ObjectStat,
} from '../storage/object-store.js';
import type { IllustrationRequest } from './domain/illustration-request.js';
import { Illustrator } from './domain/illustrator.js';
import type { LoraFile } from './domain/lora-file.js';
import { bytesInWords } from './domain/quantities.js';

/**
 * Finds the LoRA that a request names. The prototype ignored a LoRA it could not use and drew without it; a caller must
 * never pay for a picture that is not the one asked for.
 */
@Injectable()
export class LoraFiles {
  constructor(
    private readonly store: ObjectStore,
    private readonly keys: ObjectKeys,
    private readonly illustrator: Illustrator,
  ) {}

  /**
   * The file in its version of now; undefined: the request names none. Reads nothing of it.
   *
   * @throws DomainError `lora-not-found`, `lora-invalid` when it is too large, `validation-failed` when the worker takes
   *   none at all: then no LoRA would do, and the field is what is wrong; `storage-unavailable`
   */
  async find({ loraId }: IllustrationRequest, signal?: AbortSignal): Promise<LoraFile | undefined> {
    if (loraId === undefined) return undefined;
    const maxBytes = this.illustrator.profile()?.maxLoraBytes;
    if (maxBytes === 0) throw noneTaken();
    const key = this.keys.lora(loraId);
    const { sizeBytes, etag } = await this.stat(loraId, key, signal);
    if (maxBytes !== undefined && sizeBytes > maxBytes) throw tooLarge(loraId, maxBytes);
    if (etag === undefined) {
      throw new DomainError('storage-unavailable', 'The object store does not tell the version of the LoRA.');
    }
    return { loraId, version: etag, sizeBytes, read: (reader) => this.read(key, etag, reader) };
  }

  /** Without `s3:ListBucket` a missing object is a 403. */
  private async stat(loraId: string, key: string, signal: AbortSignal | undefined): Promise<ObjectStat> {
    const stat = await this.store.stat(key, { signal }).catch((cause: unknown) => {
      if (!(cause instanceof ObjectForbiddenError)) throw cause;
      const detail = `There is no LoRA with the id ${loraId} that the object store lets us read.`;
      throw new DomainError('lora-not-found', detail, { cause });
    });
    if (stat === undefined) throw new DomainError('lora-not-found', `There is no LoRA with the id ${loraId}.`);
    return stat;
  }

  private async *read(key: string, etag: string, signal: AbortSignal): AsyncGenerator<Buffer> {
    try {
      yield* this.store.stream(key, { etag, signal });
    } catch (cause) {
      throw readFailure(cause);
    }
  }
}

/** It was there a moment ago. Another attempt looks again, and takes what is there then. */
function readFailure(cause: unknown): unknown {
  if (cause instanceof ObjectChangedError) {
    return new DomainError('storage-unavailable', 'The LoRA was replaced while it was read.', { cause });
  }
  if (cause instanceof ObjectNotFoundError || cause instanceof ObjectForbiddenError) {
    return new DomainError('storage-unavailable', 'The LoRA went away before it was read.', { cause });
  }
  return cause;
}

function noneTaken(): DomainError {
  const detail = 'lora_id cannot be used: the worker takes no LoRA by request';
  return new DomainError('validation-failed', 'The request names a LoRA, and the worker takes none by request.', {
    violations: [{ pointer: '/lora_id', detail }],
  });
}

function tooLarge(loraId: string, maxBytes: number): DomainError {
  const detail = `The LoRA ${loraId} is larger than the ${bytesInWords(maxBytes)} that the worker takes.`;
  return new DomainError('lora-invalid', detail);
}
