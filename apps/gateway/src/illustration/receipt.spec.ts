import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { aJob } from '../../../../test/support/job-path.js';
import type { Job } from '../jobs/domain/job.js';
import { IllustrationRequest } from './domain/illustration-request.js';
import { imagesOf, isCached, timingsOf, toResult, warningsOf } from './job-outcome.js';
import type { MadePicture } from './made-picture.js';
import { toReceipt, type Run } from './receipt.js';

const secret = 'the summer at the lake';
const defaults = {
  numInferenceSteps: 2,
  ipAdapterScale: 0.3,
  guidanceScale: 5,
  loraScale: 0.8,
  negativePrompt: '',
  memoryStylePrompt: '',
  subjectStylePrompt: 's',
};
const request = IllustrationRequest.create(
  'memory',
  { userId: 'ada', prompt: secret, stylePrompt: `${secret} in oil`, negativePrompt: `no ${secret}` },
  defaults,
);
const profile = {
  workerVersion: '1.2.3',
  model: 'folder',
  isDemoModel: false,
  about: undefined,
  device: 'cuda',
  dtype: 'float16',
  ipAdapter: 'plus.safetensors',
  scheduler: 'EulerDiscreteScheduler',
  engine: 'batching',
  maxOutstandingJobs: 16,
  defaultImageSize: 1024,
  minImageSize: 64,
  maxImageSize: 1024,
  modelFiles: [{ role: 'base', source: 'folder', kind: 'SDXL folder', sha256: 'cd'.repeat(32), sizeBytes: 7 }],
  modelDigest: 'ef'.repeat(32),
  pictureSettings: '',
  heldLoras: [],
  maxLoraBytes: 0,
};
const sha256 = 'ab'.repeat(32);
const drawn: MadePicture = {
  picture: { key: 'generated/ada/memory_1.png', width: 64, height: 32, sha256, sizeBytes: 99 },
  seed: 7,
  drawing: {
    png: Buffer.alloc(99),
    sha256,
    width: 64,
    height: 32,
    timings: { queueMs: 5, encodeMs: 10, denoiseMs: 1000, decodeMs: 100, pngMs: 20 },
    deviceMs: 600,
    warnings: [],
  },
  copied: undefined,
  resumedFromStep: undefined,
  uploadMs: 30,
  isAdopted: false,
};
const found: MadePicture = { ...drawn, drawing: undefined, uploadMs: 0, isAdopted: true };
const copy: MadePicture = {
  ...drawn,
  drawing: undefined,
  copied: { jobId: 'job-0', warnings: ['cut'], loraSha256: 'aa'.repeat(32) },
};

function aRun(fields: Partial<Run> = {}): Run {
  const createdAt = new Date('2026-11-01T00:00:00.000Z');
  const startedAt = new Date('2026-11-01T00:00:00.250Z');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the rest of a job is of no importance here
  const job = { ...aJob(), createdAt, startedAt } as unknown as Job;
  return { job, request, attempt: 1, pictures: [drawn], referenceMs: 40, runMs: 1250, profile, ...fields };
}

it('the result is cached when all its pictures are copies, and one of before there was a cache is not', () => {
  const [whole, half] = [toResult([copy, copy]), toResult([copy, drawn])];
  expect([isCached({ result: whole }), isCached({ result: half })]).toEqual([true, false]);
  expect(warningsOf({ result: whole })).toEqual(['cut']);
  const { cached_images: _, ...old } = whole;
  expect(isCached({ result: old })).toBe(false);
});

it('the result holds each warning once, and one of before there were warnings has none', () => {
  const warned = (...warnings: string[]) => ({ ...drawn, drawing: { ...(drawn.drawing ?? fail()), warnings } });
  const result = toResult([warned('cut', 'dark'), found, warned('cut')]);
  expect(warningsOf({ result })).toEqual(['cut', 'dark']);
  const { warnings: _, ...old } = result;
  expect(warningsOf({ result: old })).toEqual([]);
});

describe('a receipt', () => {
  it('tells how the picture was drawn and where the time went', () => {
    expect(toReceipt(aRun())).toEqual({
      attempt: 1,
      adopted: false,
      cached_images: 0,
      resumed_from_step: null,
      seed: 7,
      num_inference_steps: 2,
      guidance_scale: 5,
      ip_adapter_scale: 0.3,
      ip_adapter_mode: 'full',
      people: null,
      lora_id: null,
      lora: null,
      drawn_by: {
        worker_version: '1.2.3',
        engine: 'batching',
        model: 'folder',
        is_demo_model: false,
        ip_adapter: 'plus.safetensors',
        scheduler: 'EulerDiscreteScheduler',
        device: 'cuda',
        dtype: 'float16',
        model_digest: 'ef'.repeat(32),
        model_files: [{ role: 'base', kind: 'SDXL folder', sha256: 'cd'.repeat(32) }],
      },
      images: [
        {
          seed: 7,
          width: 64,
          height: 32,
          sha256,
          size_bytes: 99,
          adopted: false,
          cached_from: null,
          resumed_from_step: null,
          gpu_seconds: 0.6,
        },
      ],
      timings: {
        queue_ms: 255,
        reference_ms: 40,
        encode_ms: 10,
        denoise_ms: 1000,
        decode_ms: 100,
        png_ms: 20,
        upload_ms: 30,
        other_ms: 45,
        total_ms: 1500,
      },
      gpu_seconds: 0.6,
    });
  });

  it('takes the stages on the device for its time where the worker does not tell', () => {
    const { deviceMs: _, ...drawing } = drawn.drawing ?? fail();
    expect(toReceipt(aRun({ pictures: [{ ...drawn, drawing }] }))).toMatchObject({ gpu_seconds: 1.11 });
  });

  it('tells how far an earlier attempt had come', () => {
    const receipt = toReceipt(aRun({ pictures: [drawn, { ...drawn, resumedFromStep: 1 }], attempt: 2 }));
    expect(receipt).toMatchObject({
      resumed_from_step: 1,
      images: [{ resumed_from_step: null }, { resumed_from_step: 1 }],
    });
  });

  it('tells of a copy whose it is, that it cost nothing, and who drew it', () => {
    const withLora = IllustrationRequest.create('memory', { userId: 'ada', prompt: secret, loraId: 'oil' }, defaults);
    const receipt = toReceipt(aRun({ request: withLora, pictures: [copy, found] }));
    expect(receipt).toMatchObject({
      cached_images: 1,
      gpu_seconds: 0,
      drawn_by: { model_digest: 'ef'.repeat(32) },
      lora: { sha256: 'aa'.repeat(32) },
      images: [
        { cached_from: 'job-0', adopted: false, gpu_seconds: 0 },
        { cached_from: null, adopted: true, gpu_seconds: null },
      ],
    });
    expect(toReceipt(aRun({ pictures: [copy, drawn] }))).toMatchObject({ cached_images: 1, gpu_seconds: 0.6 });
  });

  it('does not pretend to know how an adopted picture was drawn', () => {
    const receipt = toReceipt(aRun({ pictures: [found], attempt: 2 }));
    expect(receipt).toMatchObject({ adopted: true, attempt: 2, drawn_by: null, gpu_seconds: 0 });
    expect(receipt['images']).toMatchObject([{ adopted: true, sha256, gpu_seconds: null }]);
  });

  it('tells who was drawn and with which LoRA, by the content of its file', () => {
    const region = { left: 0, top: 0, right: 0.5, bottom: 1 };
    const people = [
      { userId: 'ada', region, ipAdapterScale: 0.5 },
      { userId: 'bob', region: { ...region, left: 0.5, right: 1 } },
    ];
    const asked = { userId: 'ada', prompt: secret, people, loraId: 'oil', ipAdapterMode: 'style' } as const;
    const withLora = IllustrationRequest.create('memory', asked, defaults);
    const drawing = { ...(drawn.drawing ?? fail()), loraSha256: 'aa'.repeat(32) };
    expect(toReceipt(aRun({ request: withLora, pictures: [found, { ...drawn, drawing }] }))).toMatchObject({
      ip_adapter_mode: 'style',
      lora_id: 'oil',
      lora: { id: 'oil', scale: 0.8, sha256: 'aa'.repeat(32) },
      people: [
        { user_id: 'ada', region, ip_adapter_scale: 0.5 },
        { user_id: 'bob', region: { left: 0.5, right: 1 }, ip_adapter_scale: 0.3 },
      ],
    });
    expect(toReceipt(aRun({ request: withLora, pictures: [found] }))).toMatchObject({ lora: { sha256: null } });
  });

  it('holds none of the words', () => {
    expect(JSON.stringify([toReceipt(aRun()), toResult([drawn])])).not.toContain(secret);
  });

  it('has timings that add up, whatever the clocks say', () => {
    const ms = fc.double({ min: 0, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(ms, ms, ms, ms, (denoiseMs, uploadMs, referenceMs, runMs) => {
        const drawing = {
          ...(drawn.drawing ?? fail()),
          timings: { queueMs: 1, encodeMs: 2, denoiseMs, decodeMs: 3, pngMs: 4 },
        };
        const receipt = toReceipt(aRun({ pictures: [{ ...drawn, drawing, uploadMs }, found], referenceMs, runMs }));
        const { total_ms: total, ...stages } = timingsOf({ receipt });
        expect(Object.values(stages).reduce((sum, stage) => sum + stage, 0)).toBeCloseTo(total, 3);
      }),
    );
  });
});

it('keeps the pictures of a result', () => {
  const result = toResult([drawn, { ...found, seed: 8 }]);
  expect(imagesOf({ result: JSON.parse(JSON.stringify(result)) })).toMatchObject([
    { key: 'generated/ada/memory_1.png', seed: 7, width: 64, height: 32, sha256, size_bytes: 99 },
    { seed: 8 },
  ]);
});

function fail(): never {
  throw new Error('the sample has a drawing');
}
