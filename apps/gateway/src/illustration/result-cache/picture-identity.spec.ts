import { describe, expect, it } from 'vitest';

import type { DrawingTask } from '../domain/illustrator.js';
import { FakeIllustrator } from '../worker/fake-illustrator.js';
import { ownerPart, pictureIdentity, type PictureOrigin } from './picture-identity.js';

// Which requests are one picture, and which are not.

const profile = new FakeIllustrator().profile() ?? fail();
const region = { left: 0, top: 0, right: 0.5, bottom: 1 };
const file = { loraId: 'oil', version: '"l1"', sizeBytes: 9, read: fail };
const task: DrawingTask = {
  jobId: 'job-1',
  requestId: 'r-1',
  prompt: 'SKS the lake',
  prompt2: 'a sketch',
  negativePrompt: 'error',
  numInferenceSteps: 20,
  people: [{ referenceImages: [Buffer.from('avatar')], ipAdapterScale: 0.3, region }],
  ipAdapterMode: 'full',
  lora: { file, scale: 0.5 },
  guidanceScale: 5,
  seed: 7,
};
const origin: PictureOrigin = {
  tenant: 't',
  userId: 'ada',
  task,
  versions: [[{ key: 'avatars/ada.png', etag: '"a1"' }]],
  profile,
};
const person = task.people[0] ?? fail();

function identityOf(fields: Partial<DrawingTask>, others: Partial<PictureOrigin> = {}): string | undefined {
  return pictureIdentity({ ...origin, ...others, task: { ...task, ...fields } });
}

describe('two requests', () => {
  it.each<[string, Partial<DrawingTask>]>([
    ['of other jobs', { jobId: 'job-2', requestId: 'r-2' }],
    ['with other previews', { previewEvery: 3 }],
    ['with a checkpoint to go on from', { checkpoint: { step: 3, state: Buffer.from('x') } }],
    ['of which one names the default size', { width: profile.defaultImageSize, height: profile.defaultImageSize }],
  ])('%s are one picture', (_, fields) => {
    expect(identityOf(fields)).toBe(identityOf({}));
  });

  const others: [string, Partial<DrawingTask>, Partial<PictureOrigin>?][] = [
    ['another prompt', { prompt: 'SKS the lakes' }],
    ['another style', { prompt2: undefined }],
    ['another negative prompt', { negativePrompt: '' }],
    ['no negative prompt', { negativePrompt: undefined }],
    ['other steps', { numInferenceSteps: 21 }],
    ['another guidance', { guidanceScale: 5.1 }],
    ['another seed', { seed: 8 }],
    ['another width', { width: 128 }],
    ['another height', { height: 128 }],
    ['another mode', { ipAdapterMode: 'style' }],
    ['another scale of a person', { people: [{ ...person, ipAdapterScale: 0.4 }] }],
    ['another region', { people: [{ ...person, region: { ...region, right: 0.6 } }] }],
    ['a person anywhere', { people: [{ referenceImages: person.referenceImages, ipAdapterScale: 0.3 }] }],
    ['another LoRA', { lora: { file: { ...file, loraId: 'ink' }, scale: 0.5 } }],
    ['another version of the LoRA', { lora: { file: { ...file, version: '"l2"' }, scale: 0.5 } }],
    ['another scale of the LoRA', { lora: { file, scale: 0.6 } }],
    ['no LoRA', { lora: undefined }],
    ['another tenant', {}, { tenant: 'u' }],
    ['another user', {}, { userId: 'bob' }],
    ['a replaced reference image', {}, { versions: [[{ key: 'avatars/ada.png', etag: '"a2"' }]] }],
    ['the reference image of somebody else', {}, { versions: [[{ key: 'avatars/bob.png', etag: '"a1"' }]] }],
    ['another model', {}, { profile: { ...profile, modelDigest: 'f'.repeat(64) } }],
    ['another setting of the worker', {}, { profile: { ...profile, pictureSettings: 'reference_fit=pad' } }],
    ['another version of the worker', {}, { profile: { ...profile, workerVersion: '2' } }],
    ['another precision', {}, { profile: { ...profile, dtype: 'float16' } }],
  ];

  it.each(others)('with %s are two pictures', (_, fields, other) => {
    expect(identityOf(fields, other)).not.toBe(identityOf({}));
  });

  it('that differ in different things are different from each other, too', () => {
    expect(new Set(others.map(([, fields, other]) => identityOf(fields, other))).size).toBe(others.length);
  });
});

it('nothing can be said of a picture whose model or reference images have no version', () => {
  expect(identityOf({}, { profile: { ...profile, modelDigest: '' } })).toBeUndefined();
  expect(identityOf({}, { versions: [[{ key: 'avatars/ada.png', etag: undefined }]] })).toBeUndefined();
});

it('an identity begins with its owner and holds none of the words', () => {
  const owner = ownerPart('t', 'ada');
  expect([identityOf({}), identityOf({ seed: 8 })].every((one) => one?.startsWith(owner))).toBe(true);
  expect(identityOf({})).toMatch(/^[0-9a-f]{16}:[0-9a-f]{16}:[0-9a-f]{64}$/);
});

function fail(): never {
  throw new Error('not needed here');
}
