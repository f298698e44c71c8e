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
import type { DrawnPerson } from './domain/illustrator.js';
import type { ImageVersion, ReferenceVersions } from './reference-versions.js';

/** Largest reference image that is read; the worker looks into the bytes. */
export const maxReferenceImageBytes = 10 * 1024 * 1024;

/** The people to draw, and which versions of which objects their images are. */
export interface References {
  people: DrawnPerson[];
  versions: ReferenceVersions;
}

interface ReferenceImage {
  body: Buffer;
  version: ImageVersion;
}

/** Reads the pictures of the people who are to be drawn: avatars for a memory, the subject's photos for a portrait. */
@Injectable()
export class ReferenceImages {
  constructor(
    private readonly store: ObjectStore,
    private readonly keys: ObjectKeys,
  ) {}

  /** @throws DomainError `avatar-not-found`, `avatar-forbidden`, `avatar-invalid`, `storage-unavailable`. */
  async read(request: IllustrationRequest, signal: AbortSignal): Promise<References> {
    const { kind, userId, ipAdapterScale } = request;
    const people = request.people ?? [{ userId, ipAdapterScale, region: undefined }];
    const images =
      kind === 'subject'
        ? [await this.readSubject(userId, signal)]
        : await Promise.all(
            people.map(async (person) => [await this.readImage(this.keys.avatar(person.userId), signal)]),
          );
    return {
      people: people.map((person, at) => ({
        referenceImages: (images[at] ?? []).map(({ body }) => body),
        ipAdapterScale: person.ipAdapterScale,
        ...(person.region && { region: person.region }),
      })),
      versions: images.map((ofPerson) => ofPerson.map(({ version }) => version)),
    };
  }

  /**
   * All angles that there are, else the one photo. They are got without looking first: what was looked up may be gone
   * by then. Without `s3:ListBucket` a missing angle is a 403, so that is none either; the one photo must then be there.
   */
  private async readSubject(userId: string, signal: AbortSignal): Promise<ReferenceImage[]> {
    const angles = await Promise.all(this.keys.subjectAngles(userId).map((key) => this.readIfThere(key, signal)));
    const found = angles.filter((image) => image !== undefined);
    return found.length > 0 ? found : [await this.readImage(this.keys.subject(userId), signal)];
  }

  private async readIfThere(key: string, signal: AbortSignal): Promise<ReferenceImage | undefined> {
    try {
      return await this.get(key, signal);
    } catch (error) {
      if (error instanceof ObjectNotFoundError || error instanceof ObjectForbiddenError) return undefined;
      throw referenceFailure(error, key);
    }
  }

  private async readImage(key: string, signal: AbortSignal): Promise<ReferenceImage> {
    try {
      return await this.get(key, signal);
    } catch (error) {
      throw referenceFailure(error, key);
    }
  }

  private async get(key: string, signal: AbortSignal): Promise<ReferenceImage> {
    const { body, etag } = await this.store.get(key, { maxBytes: maxReferenceImageBytes, signal });
    return { body, version: { key, etag } };
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
    return new DomainError('avatar-invalid', `The reference image ${key} is larger than 10 MiB.`, { cause });
  }
  return cause;
}
