import { Injectable } from '@nestjs/common';

import { DomainError } from '../errors/domain-error.js';
import { ObjectKeys } from '../storage/object-keys.js';
import { ObjectForbiddenError, ObjectStore } from '../storage/object-store.js';
import type { IllustrationRequest } from './domain/illustration-request.js';

/**
 * Refuses requests that name a LoRA, since drawing with one does not exist yet. The prototype ignored a LoRA it could
 * not use and drew without it; a caller must never pay for a picture that is not the one asked for.
 */
@Injectable()
export class LoraAdmission {
  constructor(
    private readonly store: ObjectStore,
    private readonly keys: ObjectKeys,
  ) {}

  /** @throws DomainError `lora-not-found`, or `validation-failed` when there is such a LoRA. */
  async check({ loraId }: IllustrationRequest, signal?: AbortSignal): Promise<void> {
    if (loraId === undefined) return;
    if (!(await this.exists(loraId, signal))) {
      throw new DomainError('lora-not-found', `There is no LoRA with the id ${loraId}.`);
    }
    const detail = 'drawing with a LoRA is not available in this release';
    throw new DomainError('validation-failed', 'The request names a LoRA; drawing with one is not available yet.', {
      violations: [{ pointer: '/lora_id', detail }],
    });
  }

  private async exists(loraId: string, signal?: AbortSignal): Promise<boolean> {
    try {
      return await this.store.exists(this.keys.lora(loraId), { signal });
    } catch (cause) {
      if (!(cause instanceof ObjectForbiddenError)) throw cause;
      throw new DomainError('storage-unavailable', 'The object store refuses us the LoRA.', { cause });
    }
  }
}
