import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Logger } from '@nestjs/common';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { loadConfig } from '../config/load-config.js';
import { DomainError } from '../errors/domain-error.js';
import { FileObjectStore } from '../storage/file/file-object-store.js';
import { ObjectKeys } from '../storage/object-keys.js';
import { Dispatch } from './dispatch.js';
import { IllustrationRequest, type IllustrationFields, type IllustrationKind } from './domain/illustration-request.js';
import type { DrawingTask, Illustrator } from './domain/illustrator.js';
import { IllustrationService } from './illustration.service.js';
import { LoraAdmission } from './lora-admission.js';
import { ReferenceImages } from './reference-images.js';
import { Results } from './results.js';
import { FakeIllustrator } from './worker/fake-illustrator.js';

const keys = new ObjectKeys({ avatar: 'avatars', subject: 'subjects', generated: 'generated', lora: 'loras' });
const defaults = {
  numInferenceSteps: 2,
  ipAdapterScale: 0.33,
  negativePrompt: 'error',
  memoryStylePrompt: 'memory style',
  subjectStylePrompt: 'subject style',
};
const present = { requestId: 'request-1', signal: new AbortController().signal };
let folder: string;
let store: FileObjectStore;

function serviceWith(illustrator: Illustrator, requestTimeoutSeconds = '10'): IllustrationService {
  return new IllustrationService(
    loadConfig({ REQUEST_TIMEOUT_SECONDS: requestTimeoutSeconds }),
    new LoraAdmission(store, keys),
    new ReferenceImages(store, keys),
    new Dispatch(illustrator),
    new Results(store, keys),
  );
}

function requestFor(kind: IllustrationKind, fields: Partial<IllustrationFields> = {}): IllustrationRequest {
  const prompt = kind === 'memory' ? 'the lake' : undefined;
  return IllustrationRequest.create(kind, { userId: 'ada', prompt, ...fields }, defaults);
}

/** The fake, which also remembers what it was asked to draw. */
class AttentiveIllustrator extends FakeIllustrator {
  readonly tasks: DrawingTask[] = [];

  override draw(...[task, options]: Parameters<FakeIllustrator['draw']>): ReturnType<FakeIllustrator['draw']> {
    this.tasks.push(task);
    return super.draw(task, options);
  }
}

beforeAll(() => Logger.overrideLogger(false));

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'service-'));
  store = new FileObjectStore({ kind: 'file', folder, bucket: 'album' }, { url: () => 'http://host' });
  await store.put('avatars/ada.png', Buffer.from('avatar'), 'image/png');
  await store.put('subjects/ada.png', Buffer.from('subject photo'), 'image/png');
});

afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

describe('IllustrationService', () => {
  it('draws a memory from the avatar and keeps it under its key', async () => {
    const illustrator = new AttentiveIllustrator();
    const { location, seed } = await serviceWith(illustrator).draw(requestFor('memory', { seed: 7 }), present);
    const [task] = illustrator.tasks;
    expect(task).toEqual({
      jobId: task?.jobId,
      requestId: 'request-1',
      prompt: 'the lake',
      prompt2: 'memory style',
      negativePrompt: 'error',
      numInferenceSteps: 2,
      ipAdapterScale: 0.33,
      seed: 7,
      referenceImages: [Buffer.from('avatar')],
    });
    expect(seed).toBe(7);
    const key = `generated/ada/memory_${task?.jobId}.png`;
    expect(location).toEqual({ s3Uri: `s3://album/${key}`, url: `http://host/images/${key}` });
    expect(keys.isResult(key)).toBe(true);
    expect((await store.get(key, { maxBytes: 100_000 })).body.subarray(1, 4).toString()).toBe('PNG');
  });

  it('draws a portrait from the subject photo', async () => {
    const illustrator = new AttentiveIllustrator();
    const { location } = await serviceWith(illustrator).draw(requestFor('subject'), present);
    expect(illustrator.tasks[0]).toMatchObject({
      prompt: 'subject style',
      referenceImages: [Buffer.from('subject photo')],
    });
    expect(illustrator.tasks[0]).not.toHaveProperty('prompt2');
    expect(location.s3Uri).toMatch(/^s3:\/\/album\/generated\/ada\/subject_[0-9a-f-]{36}\.png$/);
  });

  it('draws the seed it reports: with it the picture comes again, under another key', async () => {
    const service = serviceWith(new FakeIllustrator());
    const first = await service.draw(requestFor('memory'), present);
    const again = await service.draw(requestFor('memory', { seed: first.seed }), present);
    const other = await service.draw(requestFor('memory'), present);
    const [a, b, c] = await Promise.all([first, again, other].map(digestOf));
    expect(again.location.s3Uri).not.toBe(first.location.s3Uri);
    expect(b).toBe(a);
    expect(c).not.toBe(a);
  });

  it('keeps what ten callers ask for at once apart', async () => {
    const service = serviceWith(new FakeIllustrator());
    const requests = Array.from({ length: 10 }, (_, seed) => requestFor('memory', { seed, ipAdapterScale: seed / 10 }));
    const together = await Promise.all(requests.map((request) => service.draw(request, present).then(digestOf)));
    for (const [at, request] of requests.entries()) {
      expect(await service.draw(request, present).then(digestOf)).toBe(together[at]);
    }
    expect(new Set(together).size).toBe(10);
  });

  it('names the key of a reference image that is missing', async () => {
    await rm(join(folder, 'avatars/ada.png'));
    await expect(serviceWith(new FakeIllustrator()).draw(requestFor('memory'), present)).rejects.toMatchObject({
      reason: 'avatar-not-found',
      detail: 'There is no reference image under the key avatars/ada.png.',
    });
  });

  it('refuses a reference image of more than 10 MiB', async () => {
    await store.put('avatars/ada.png', Buffer.alloc(10 * 1024 * 1024 + 1), 'image/png');
    await expect(serviceWith(new FakeIllustrator()).draw(requestFor('memory'), present)).rejects.toMatchObject({
      reason: 'avatar-invalid',
    });
  });

  it('never ignores a LoRA', async () => {
    const illustrator = new AttentiveIllustrator();
    const drawing = (): Promise<unknown> =>
      serviceWith(illustrator).draw(requestFor('memory', { loraId: 'oil' }), present);
    await expect(drawing()).rejects.toMatchObject({ reason: 'lora-not-found' });
    await store.put('loras/oil/lora.safetensors', Buffer.from('x'), 'application/octet-stream');
    await expect(drawing()).rejects.toMatchObject({
      reason: 'validation-failed',
      options: {
        violations: [{ pointer: '/lora_id', detail: 'drawing with a LoRA is not available in this release' }],
      },
    });
    expect(illustrator.tasks).toEqual([]);
  });

  it('begins nothing while nothing can be drawn', async () => {
    const illustrator = new FakeIllustrator();
    const error = new DomainError('starting', 'The model is still loading.');
    vi.spyOn(illustrator, 'availability').mockReturnValue({ isReady: false, error });
    await expect(serviceWith(illustrator).draw(requestFor('memory', { userId: 'nobody' }), present)).rejects.toBe(
      error,
    );
  });

  it('keeps no picture for a caller who left', async () => {
    const gone = new AbortController();
    const left = new DomainError('canceled', 'The client left.');
    const illustrator = new FakeIllustrator(60_000);
    const drawing = serviceWith(illustrator).draw(requestFor('memory'), { ...present, signal: gone.signal });
    gone.abort(left);
    await expect(drawing).rejects.toBe(left);
    expect(await readdir(folder)).not.toContain('generated');
  });

  it('gives up when the time is up', async () => {
    const drawing = serviceWith(new FakeIllustrator(60_000), '1').draw(requestFor('memory'), present);
    await expect(drawing).rejects.toMatchObject({ reason: 'deadline-exceeded' });
    expect(await readdir(folder)).not.toContain('generated');
  });

  it('logs where the time went and none of the words', async () => {
    const log = vi.spyOn(Logger.prototype, 'log').mockReturnValue();
    await serviceWith(new FakeIllustrator()).draw(requestFor('memory', { stylePrompt: 'in oil' }), present);
    expect(log).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({
        kind: 'memory',
        reference_ms: expect.any(Number),
        draw_ms: expect.any(Number),
        store_ms: expect.any(Number),
        total_ms: expect.any(Number),
      }),
      'illustration drawn',
    );
    expect(JSON.stringify(log.mock.calls)).not.toMatch(/lake|oil|error/);
  });
});

async function digestOf({ location }: { location: { s3Uri: string } }): Promise<string> {
  const { body } = await store.get(location.s3Uri.replace('s3://album/', ''), { maxBytes: 100_000 });
  return createHash('sha256').update(body).digest('hex');
}
