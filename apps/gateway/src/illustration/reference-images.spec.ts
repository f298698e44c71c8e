import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { DomainError } from '../errors/domain-error.js';
import { FileObjectStore } from '../storage/file/file-object-store.js';
import { ObjectKeys } from '../storage/object-keys.js';
import { ObjectForbiddenError } from '../storage/object-store.js';
import { IllustrationRequest, type IllustrationFields } from './domain/illustration-request.js';
import { maxReferenceImageBytes, ReferenceImages, type References } from './reference-images.js';

const defaults = {
  numInferenceSteps: 50,
  ipAdapterScale: 0.33,
  guidanceScale: 5,
  loraScale: 1,
  negativePrompt: '',
  memoryStylePrompt: 'style',
  subjectStylePrompt: 'style',
};
const signal = new AbortController().signal;
let folder: string;
let store: FileObjectStore;
let references: ReferenceImages;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'illustration-references-'));
  store = new FileObjectStore({ kind: 'file', folder, bucket: 'album' }, { url: () => 'http://host' });
  const keys = new ObjectKeys({ avatar: 'avatars', subject: 'subjects', generated: 'generated', lora: 'loras' });
  references = new ReferenceImages(store, keys);
});
afterEach(() => rm(folder, { recursive: true }));

async function putAll(...keys: string[]): Promise<void> {
  await Promise.all(keys.map((key) => store.put(key, Buffer.from(key), 'image/png')));
}

function read(fields: Partial<IllustrationFields> = {}): Promise<References> {
  return references.read(
    IllustrationRequest.create('memory', { userId: 'ada', prompt: 'the lake', ...fields }, defaults),
    signal,
  );
}

async function readMemory(fields: Partial<IllustrationFields> = {}): Promise<References['people']> {
  return (await read(fields)).people;
}

async function readSubject(): Promise<string[]> {
  const request = IllustrationRequest.create('subject', { userId: 'ada' }, defaults);
  const { people } = await references.read(request, signal);
  expect(people).toHaveLength(1);
  expect(people[0]).not.toHaveProperty('region');
  return people.flatMap(({ referenceImages }) => referenceImages.map(String));
}

/** A store that says 403 for a missing key, as S3 does without `s3:ListBucket`. */
function forbidMissing(): void {
  const get = store.get.bind(store);
  vi.spyOn(store, 'get').mockImplementation((key, options) =>
    get(key, options).catch((cause: unknown) => {
      throw new ObjectForbiddenError(key, { cause });
    }),
  );
}

describe('reference images', () => {
  it("are the user's avatar, anywhere, for a memory of nobody else", async () => {
    await putAll('avatars/ada.png');
    expect(await readMemory()).toEqual([{ referenceImages: [Buffer.from('avatars/ada.png')], ipAdapterScale: 0.33 }]);
  });

  it('are the avatars of the people of a memory, and of nobody else', async () => {
    await putAll('avatars/ada.png', 'avatars/bob.png', 'avatars/eve.png');
    const people = [{ userId: 'eve', ipAdapterScale: 0.9 }, { userId: 'bob' }];
    expect(await readMemory({ people })).toEqual([
      {
        referenceImages: [Buffer.from('avatars/eve.png')],
        ipAdapterScale: 0.9,
        region: { left: 0, top: 0, right: 0.5, bottom: 1 },
      },
      {
        referenceImages: [Buffer.from('avatars/bob.png')],
        ipAdapterScale: 0.33,
        region: { left: 0.5, top: 0, right: 1, bottom: 1 },
      },
    ]);
  });

  it('carry the key and the version of each image, and a replaced one is another version', async () => {
    await putAll('avatars/ada.png', 'avatars/bob.png');
    const people = [{ userId: 'ada' }, { userId: 'bob' }];
    const before = (await read({ people })).versions;
    expect(before).toMatchObject([[{ key: 'avatars/ada.png' }], [{ key: 'avatars/bob.png' }]]);
    expect((await read({ people })).versions).toEqual(before);
    await store.put('avatars/bob.png', Buffer.from('avatars/bob.png'), 'image/png');
    const after = (await read({ people })).versions;
    expect(after[0]).toEqual(before[0]);
    expect(after[1]?.[0]?.etag).not.toBe(before[1]?.[0]?.etag);
  });

  it('name the key of the person who has none', async () => {
    await putAll('avatars/ada.png');
    await expect(readMemory({ people: [{ userId: 'ada' }, { userId: 'bob' }] })).rejects.toMatchObject({
      reason: 'avatar-not-found',
      detail: 'There is no reference image under the key avatars/bob.png.',
    });
  });

  it('are all angles of a subject that there are, and then not the one photo', async () => {
    await putAll('subjects/ada.png', 'subjects/ada-0.png', 'subjects/ada-3.png', 'subjects/ada-5.png');
    expect(await readSubject()).toEqual(['subjects/ada-0.png', 'subjects/ada-3.png']);
    await putAll('subjects/ada-1.png', 'subjects/ada-2.png', 'subjects/ada-4.png');
    expect(await readSubject()).toEqual([0, 1, 2, 3, 4].map((angle) => `subjects/ada-${angle}.png`));
  });

  it.each(['404', '403'])(
    'are the one photo of a subject without angles, where a missing key is a %s',
    async (code) => {
      await putAll('subjects/ada.png');
      if (code === '403') forbidMissing();
      expect(await readSubject()).toEqual(['subjects/ada.png']);
    },
  );

  it('name the key of the one photo when there is none at all', async () => {
    const detail = expect.stringContaining('subjects/ada.png');
    await expect(readSubject()).rejects.toMatchObject({ reason: 'avatar-not-found', detail });
    forbidMissing();
    await expect(readSubject()).rejects.toMatchObject({ reason: 'avatar-forbidden', detail });
  });

  it('are not done without when the store fails, or one is too large', async () => {
    await putAll('subjects/ada.png', 'subjects/ada-0.png');
    await store.put('subjects/ada-2.png', Buffer.alloc(maxReferenceImageBytes + 1), 'image/png');
    await expect(readSubject()).rejects.toMatchObject({
      reason: 'avatar-invalid',
      detail: 'The reference image subjects/ada-2.png is larger than 10 MiB.',
    });
    await store.remove('subjects/ada-2.png');
    const get = store.get.bind(store);
    const away = new DomainError('storage-unavailable', 'The object store does not answer.');
    vi.spyOn(store, 'get').mockImplementation((key, options) =>
      key.endsWith('-4.png') ? Promise.reject(away) : get(key, options),
    );
    await expect(readSubject()).rejects.toBe(away);
  });
});
