import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

import { GatewayApp } from '../../../../test/support/gateway-app.js';
import { DomainError } from '../errors/domain-error.js';
import { IllustrationRequest, type IllustrationFields } from './domain/illustration-request.js';
import type { IllustratorProfile } from './domain/illustrator-profile.js';
import { Illustrator } from './domain/illustrator.js';
import { IllustrationService, type AcceptOptions } from './illustration.service.js';

// Accepting illustrations as jobs.

const defaults = {
  numInferenceSteps: 3,
  ipAdapterScale: 0.33,
  guidanceScale: 5,
  loraScale: 1,
  negativePrompt: 'error',
  memoryStylePrompt: 'memory style',
  subjectStylePrompt: 'subject style',
};
const inAMinute = new Date(Date.now() + 60_000);

let gateway: GatewayApp;
let service: IllustrationService;

beforeAll(async () => {
  gateway = await GatewayApp.start();
  service = gateway.app.get(IllustrationService, { strict: false });
  await gateway.objects.put('avatars/ada.png', Buffer.from('avatar'), 'image/png');
}, 60_000);
afterEach(() => {
  vi.restoreAllMocks();
  gateway.fake.availability = { isReady: true };
});
afterAll(() => gateway.stop());

function memory(fields: Partial<IllustrationFields> = {}, today = defaults): IllustrationRequest {
  return IllustrationRequest.create('memory', { userId: 'ada', prompt: 'the lake', ...fields }, today);
}

function accept(request: IllustrationRequest, options: Partial<AcceptOptions> = {}) {
  return service.accept(request, {
    tenant: 'default',
    quotas: {},
    requestId: 'r-1',
    deadline: inAMinute,
    isPatient: false,
    ...options,
  });
}

describe('accept', () => {
  it('fixes seed, keys and deadline', async () => {
    const { job, isReplay } = await accept(memory({ n: 4 }));
    expect(isReplay).toBe(false);
    expect(job).toMatchObject({
      tenant: 'default',
      kind: 'memory',
      state: 'queued',
      requestId: 'r-1',
      images: 4,
      totalSteps: 12,
      deadline: inAMinute,
      resultKeys: ['', '-2', '-3', '-4'].map((image) => `generated/ada/memory_${job.id}${image}.png`),
    });
    expect(Number.isInteger(job.seed) && job.seed >= 0 && job.seed < 2 ** 32).toBe(true);
    const others = await Promise.all([1, 2, 3].map(() => accept(memory())));
    expect(new Set([job.seed, ...others.map((other) => other.job.seed)]).size).toBeGreaterThan(1);
    expect((await accept(memory({ seed: 0 }))).job.seed).toBe(0);
  });

  it('knows a request by its key, whatever the defaults are by now', async () => {
    const first = await accept(memory(), { idempotencyKey: 'k-1' });
    const tomorrow = { ...defaults, numInferenceSteps: 4, memoryStylePrompt: 'another style' };
    const again = await accept(memory({ seed: null }, tomorrow), { idempotencyKey: 'k-1', requestId: 'r-2' });
    expect(again.isReplay).toBe(true);
    expect(again.job.id).toBe(first.job.id);
    expect(again.job.seed).toBe(first.job.seed);
  });

  it.each<[string, IllustrationRequest]>([
    ['another prompt', memory({ prompt: 'the sea' })],
    ['a seed', memory({ seed: 1 })],
    ['the default said aloud', memory({ numInferenceSteps: 3 })],
    ['another kind', IllustrationRequest.create('subject', { userId: 'ada' }, defaults)],
  ])('takes %s for another request', async (_, other) => {
    const idempotencyKey = `k-${_}`;
    await accept(memory(), { idempotencyKey });
    await expect(accept(other, { idempotencyKey })).rejects.toMatchObject({ reason: 'idempotency-key-reused' });
  });

  it('refuses at once while nothing can be drawn, unless the caller is patient', async () => {
    const error = new DomainError('starting', 'The model is still loading.');
    gateway.fake.availability = { isReady: false, error };
    await expect(accept(memory())).rejects.toBe(error);
    const { job } = await accept(memory(), { isPatient: true });
    expect(job.state).toBe('queued');
  });

  it('refuses a size that the loaded model does not draw, and takes it while no model has told', async () => {
    await expect(accept(memory({ width: 2056 }))).rejects.toMatchObject({
      reason: 'validation-failed',
      options: { violations: [{ pointer: '/width', detail: expect.stringContaining('2048') }] },
    });
    vi.spyOn(gateway.app.get(Illustrator, { strict: false }), 'profile').mockReturnValue(undefined);
    expect((await accept(memory({ width: 2056 }))).job.state).toBe('queued');
  });

  it('refuses every size but its own for a model that draws one only', async () => {
    const illustrator = gateway.app.get(Illustrator, { strict: false });
    const profile = await illustrator.describe();
    if (profile === undefined) throw new Error('the fake tells of itself');
    const ofOneSize: IllustratorProfile = { ...profile, defaultImageSize: 128, minImageSize: 128, maxImageSize: 128 };
    vi.spyOn(illustrator, 'profile').mockReturnValue(ofOneSize);
    const error = await accept(memory({ width: 64, height: 128 })).catch((refusal: unknown) => refusal);
    expect(error).toMatchObject({
      options: {
        violations: [{ pointer: '/width', detail: 'width must be 128: the model in use draws one size only' }],
      },
    });
  });

  it('never ignores a LoRA', async () => {
    await expect(accept(memory({ loraId: 'oil' }))).rejects.toMatchObject({ reason: 'lora-not-found' });
    await gateway.objects.put('loras/oil/lora.safetensors', Buffer.from('x'), 'application/octet-stream');
    const { job } = await accept(memory({ loraId: 'oil', loraScale: 0.5 }));
    expect(job.request).toMatchObject({ lora_id: 'oil', lora_scale: 0.5 });
  });

  it('refuses a LoRA that the worker does not take', async () => {
    await gateway.objects.put('loras/oil/lora.safetensors', Buffer.alloc(1500), 'application/octet-stream');
    const illustrator = gateway.app.get(Illustrator, { strict: false });
    const profile = illustrator.profile();
    if (profile === undefined) throw new Error('the fake has a profile');
    const taking = vi.spyOn(illustrator, 'profile').mockReturnValue({ ...profile, maxLoraBytes: 1499 });
    await expect(accept(memory({ loraId: 'oil' }))).rejects.toMatchObject({
      reason: 'lora-invalid',
      detail: 'The LoRA oil is larger than the 1.5 kB that the worker takes.',
    });
    taking.mockReturnValue({ ...profile, maxLoraBytes: 1500 });
    expect((await accept(memory({ loraId: 'oil' }))).job.state).toBe('queued');
    taking.mockReturnValue({ ...profile, maxLoraBytes: 0 });
    await expect(accept(memory({ loraId: 'oil' }))).rejects.toMatchObject({
      reason: 'validation-failed',
      options: { violations: [{ pointer: '/lora_id' }] },
    });
  });
});
