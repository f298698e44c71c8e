// What draws, told alike over REST and gRPC.
import { status as grpcStatus } from '@grpc/grpc-js';
import request from 'supertest';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

import { answerOf, detailsOf, failureOf } from '../../../../../test/support/grpc-calls.js';
import { WholeApp } from '../../../../../test/support/whole-app.js';
import { DomainError } from '../../errors/domain-error.js';
import type { DescribeModelsResponse } from '../../generated/autobio/illustration/v1/models.js';
import type { IllustrationServiceClient } from '../../generated/autobio/illustration/v1/illustration.js';
import type { IllustratorProfile, ModelFile } from '../domain/illustrator-profile.js';
import { Illustrator } from '../domain/illustrator.js';
import { toModelsView, type ModelsView } from '../models-view.js';

let whole: WholeApp;
let client: IllustrationServiceClient;
let illustrator: Illustrator;
let profile: IllustratorProfile;

beforeAll(async () => {
  whole = await WholeApp.start();
  client = whole.grpcClient();
  illustrator = whole.app.get(Illustrator, { strict: false });
  const known = illustrator.profile();
  if (known === undefined) throw new Error('the fake has a profile');
  profile = known;
}, 30_000);
afterEach(() => vi.restoreAllMocks());
afterAll(async () => {
  client.close();
  await whole.stop();
});

function aModelFile(role: string): ModelFile {
  return { role, source: `s3://models/${role}`, kind: `a ${role}`, sha256: 'ab'.repeat(32), sizeBytes: 6_938_040_682 };
}

function overGrpc(): Promise<DescribeModelsResponse> {
  return answerOf((done) => client.describeModels({}, done));
}

describe('GET /v1/models', () => {
  it('tells what draws, asked now, and what may be asked of it', async () => {
    const real: IllustratorProfile = {
      ...profile,
      isDemoModel: false,
      about: undefined,
      modelFiles: ['base', 'ip_adapter', 'image_encoder', 'lora', 'vae'].map(aModelFile),
      modelDigest: 'cd'.repeat(32),
      heldLoras: [{ loraId: 'oil', sha256: 'ef'.repeat(32), sizeBytes: 7 }],
      defaultImageSize: 1024,
      minImageSize: 128,
      maxImageSize: 1536,
      maxLoraBytes: 2 ** 31,
    };
    vi.spyOn(illustrator, 'describe').mockResolvedValue(real);
    const { status, body, headers } = await request(whole.server).get('/v1/models');
    expect([status, headers['cache-control']]).toEqual([200, 'no-store']);
    expect(body).toMatchObject({
      is_demo_model: false,
      model_digest: 'cd'.repeat(32),
      drawn_by: { engine: 'fake', device: 'cpu' },
      base: { role: 'base', source: 's3://models/base', sha256: 'ab'.repeat(32), size_bytes: 6_938_040_682 },
      adapters: [{ role: 'ip_adapter' }, { role: 'image_encoder' }],
      other_files: [{ role: 'lora' }, { role: 'vae' }],
      held_loras: [{ lora_id: 'oil', sha256: 'ef'.repeat(32), size_bytes: 7 }],
      limits: {
        image_size: { min: 128, max: 1536 },
        default_image_size: 1024,
        num_inference_steps: { min: 1, max: 150 },
        n: { min: 1, max: 4 },
        people: { min: 1, max: 4 },
        reference_images: { min: 1, max: 5 },
        lora_scale: { min: 0, max: 2 },
        max_lora_bytes: 2 ** 31,
      },
    });
    expect(body).not.toHaveProperty('note');
  });

  it('says the same over gRPC', async () => {
    const { body }: { body: ModelsView } = await request(whole.server).get('/v1/models');
    const message = await overGrpc();
    expect(message).toMatchObject({
      isDemoModel: true,
      note: body.note,
      modelDigest: body.model_digest,
      drawnBy: { workerVersion: body.drawn_by.worker_version, engine: body.drawn_by.engine },
      base: { source: body.base.source },
      limits: {
        imageSize: body.limits.image_size,
        imageSizeMultiple: body.limits.image_size_multiple,
        people: body.limits.people,
        maxLoraBytes: BigInt(body.limits.max_lora_bytes),
      },
    });
  });

  it('calls the demo model what it says it is, and an adapter of which only the name is known by its name', () => {
    expect(toModelsView({ ...profile, about: 'It draws texture.' }).note).toBe('It draws texture.');
    const view = toModelsView({ ...profile, model: 'folder', ipAdapter: 'plus.safetensors', modelFiles: [] });
    expect([view.base.source, view.adapters.map(({ source }) => source)]).toEqual(['folder', ['plus.safetensors']]);
  });

  it('is 503 with the reason while nothing is known', async () => {
    vi.spyOn(illustrator, 'describe').mockResolvedValue(undefined);
    const error = new DomainError('starting', 'The worker is loading.', { retryAfterSeconds: 12 });
    vi.spyOn(illustrator, 'availability').mockReturnValue({ isReady: false, error });
    const { status, body, headers } = await request(whole.server).get('/v1/models');
    expect([status, headers['retry-after']]).toEqual([503, '12']);
    expect(body).toMatchObject({ error: 'starting', detail: 'The worker is loading.' });
    const failure = await failureOf((done) => client.describeModels({}, done));
    expect([failure.code, detailsOf(failure).reason]).toEqual([grpcStatus.UNAVAILABLE, 'STARTING']);
  });
});
