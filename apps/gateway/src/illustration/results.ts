import { Injectable } from '@nestjs/common';

import { ObjectKeys } from '../storage/object-keys.js';
import { ObjectStore, type ObjectLocation } from '../storage/object-store.js';
import type { IllustrationRequest } from './domain/illustration-request.js';

/** Keeps finished pictures in the object store, one key for each job. */
@Injectable()
export class Results {
  constructor(
    private readonly store: ObjectStore,
    private readonly keys: ObjectKeys,
  ) {}

  /** @throws DomainError `storage-unavailable`. */
  async keep(
    { kind, userId }: IllustrationRequest,
    jobId: string,
    png: Buffer,
    signal: AbortSignal,
  ): Promise<ObjectLocation> {
    const key = this.keys.result(kind, userId, jobId);
    await this.store.put(key, png, 'image/png', { signal });
    return this.store.locate(key);
  }
}
