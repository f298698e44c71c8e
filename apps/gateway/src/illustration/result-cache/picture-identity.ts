import { createHash } from 'node:crypto';

import { hashRequest } from '../../jobs/idempotency.js';
import type { DrawingTask, IllustratorProfile } from '../domain/illustrator.js';
import type { ReferenceVersions } from '../reference-versions.js';

export interface PictureOrigin {
  tenant: string;
  /** Whose picture it is. */
  userId: string;
  task: DrawingTask;
  /** Of the reference images in `task`. */
  versions: ReferenceVersions;
  profile: IllustratorProfile;
}

/**
 * Names everything that makes the picture: equal identities are equal pictures. Members of the task that are added later
 * count by themselves; those that change nothing in the picture are left out by name. The owner's part comes first, so
 * that all that is remembered for a user can be found.
 *
 * @returns undefined when the store or the worker does not tell versions: then nothing can be said to be equal
 */
export function pictureIdentity({ tenant, userId, task, versions, profile }: PictureOrigin): string | undefined {
  const isKnown = profile.modelDigest !== '' && versions.flat().every(({ etag }) => etag !== undefined);
  if (!isKnown) return undefined;
  const { jobId: _, requestId: __, previewEvery: ___, checkpoint: ____, people, lora, width, height, ...rest } = task;
  const digest = hashRequest({
    ...rest,
    tenant,
    width: width ?? profile.defaultImageSize,
    height: height ?? profile.defaultImageSize,
    lora: lora === undefined ? null : { id: lora.file.loraId, version: lora.file.version, scale: lora.scale },
    people: people.map(({ referenceImages: _bytes, region, ...person }, at) => ({
      ...person,
      region: region === undefined ? null : { ...region },
      images: (versions[at] ?? []).map(({ key, etag }) => ({ key, etag })),
    })),
    drawnBy: drawerOf(profile),
  });
  return `${ownerPart(tenant, userId)}${digest}`;
}

/** With what the identities of a user's pictures begin; it tells neither tenant nor user. */
export function ownerPart(tenant: string, userId: string): string {
  return [tenant, userId].map((name) => `${createHash('sha256').update(name).digest('hex').slice(0, 16)}:`).join('');
}

/** Of whoever draws, what reaches the picture. Another version of the worker may draw otherwise. */
function drawerOf(profile: IllustratorProfile) {
  const { modelDigest, pictureSettings, workerVersion, engine, scheduler, device, dtype } = profile;
  return { modelDigest, pictureSettings, workerVersion, engine, scheduler, device, dtype };
}
