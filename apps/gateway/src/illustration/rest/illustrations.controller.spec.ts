import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { request as httpRequest, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Logger, type INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import request, { type Response } from 'supertest';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { AppConfigModule } from '../../config/config.module.js';
import { loadConfig } from '../../config/load-config.js';
import { ErrorsModule } from '../../errors/errors.module.js';
import { ObjectStore } from '../../storage/object-store.js';
import { StorageModule } from '../../storage/storage.module.js';
import { Illustrator, type DrawingEvent, type DrawingTask } from '../domain/illustrator.js';
import { IllustrationModule } from '../illustration.module.js';
import { FakeIllustrator } from '../worker/fake-illustrator.js';

/** Draws like the fake, or for ever while `isHeld`; tells what it is asked and how it ends. */
class ObservedIllustrator extends FakeIllustrator {
  isHeld = false;
  readonly tasks: DrawingTask[] = [];
  markBegun: () => void = () => undefined;
  markEnded: (error: unknown) => void = () => undefined;
  readonly begun = new Promise<void>((resolve) => (this.markBegun = resolve));
  readonly ended = new Promise<unknown>((resolve) => (this.markEnded = resolve));

  override async *draw(...[task, options]: Parameters<FakeIllustrator['draw']>): AsyncGenerator<DrawingEvent> {
    this.tasks.push(task);
    this.markBegun();
    try {
      yield* (this.isHeld ? new FakeIllustrator(60_000) : new FakeIllustrator(0)).draw(task, options);
    } catch (error) {
      this.markEnded(error);
      throw error;
    }
  }
}

let folder: string;
let app: INestApplication<Server>;
let illustrator: ObservedIllustrator;

async function post(path: string, body: object): Promise<Response> {
  return request(app.getHttpServer()).post(`/v1/images/${path}`).send(body);
}

beforeAll(() => Logger.overrideLogger(false));

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rest-'));
  const config = loadConfig({
    DATA_DIR: folder,
    SERVICE_URL: 'https://images.example',
    ILLUSTRATOR: 'fake',
    DEFAULT_NUM_INFERENCE_STEPS: '2',
    DEFAULT_NEGATIVE_PROMPT: 'error',
    DEFAULT_MEMORY_STYLE_PROMPT: 'memory style',
    DEFAULT_SUBJECT_STYLE_PROMPT: 'subject style',
  });
  illustrator = new ObservedIllustrator();
  const module = await Test.createTestingModule({
    imports: [AppConfigModule.of(config), ErrorsModule, StorageModule, IllustrationModule],
  })
    .overrideProvider(Illustrator)
    .useValue(illustrator)
    .compile();
  app = module.createNestApplication<INestApplication<Server>>({ logger: false });
  await app.listen(0, '127.0.0.1');
  await app.get(ObjectStore).put('avatars/ada.png', Buffer.from('avatar'), 'image/png');
  await app.get(ObjectStore).put('subjects/ada.png', Buffer.from('photo'), 'image/png');
});

afterEach(async () => {
  await app.close();
  await rm(folder, { recursive: true });
});

describe('POST /v1/images/memory', () => {
  it('answers 200 with the place of the picture, its address and its seed', async () => {
    const reply = await post('memory', { user_id: 'ada', prompt: 'the lake', seed: 7 });
    expect(reply.status).toBe(200);
    const key = `generated/ada/memory_${illustrator.tasks[0]?.jobId}.png`;
    expect(reply.body).toEqual({
      data: [{ s3_uri: `s3://local/${key}`, url: `https://images.example/images/${key}`, seed: 7 }],
    });
  });

  it('passes every field on', async () => {
    const body = {
      user_id: 'ada',
      prompt: 'the lake',
      num_inference_steps: 3,
      ip_adapter_scale: 0,
      negative_prompt: '',
      style_prompt: 'in oil',
      lora_id: null,
      seed: 4_294_967_295,
    };
    expect((await post('memory', body)).status).toBe(200);
    expect(illustrator.tasks[0]).toMatchObject({
      prompt: 'the lake',
      prompt2: 'in oil',
      numInferenceSteps: 3,
      ipAdapterScale: 0,
      negativePrompt: '',
      seed: 4_294_967_295,
    });
  });

  it('takes the defaults for null as for absent', async () => {
    const nulls = {
      num_inference_steps: null,
      ip_adapter_scale: null,
      negative_prompt: null,
      style_prompt: null,
      lora_id: null,
      seed: null,
    };
    expect((await post('memory', { user_id: 'ada', prompt: 'the lake', ...nulls })).status).toBe(200);
    expect((await post('memory', { user_id: 'ada', prompt: 'the lake' })).status).toBe(200);
    const [first, second] = illustrator.tasks.map(({ jobId: _job, requestId: _request, seed: _seed, ...rest }) => rest);
    expect(first).toEqual(second);
    expect(first).toMatchObject({ numInferenceSteps: 2, ipAdapterScale: 0.33, negativePrompt: 'error' });
  });

  it.each<[string, object, string[]]>([
    ['no fields', {}, ['/prompt', '/user_id']],
    ['a null user', { user_id: null, prompt: 'x' }, ['/user_id']],
    ['a user that is a path', { user_id: '../ada', prompt: 'x' }, ['/user_id']],
    ['a user that is a number', { user_id: 7, prompt: 'x' }, ['/user_id']],
    ['a user that is a list', { user_id: ['ada'], prompt: 'x' }, ['/user_id']],
    ['a prompt that is an object', { user_id: 'ada', prompt: { toString: 'x' } }, ['/prompt']],
    ['a blank prompt', { user_id: 'ada', prompt: '  ' }, ['/prompt']],
    ['a long prompt', { user_id: 'ada', prompt: 'x'.repeat(2001) }, ['/prompt']],
    ['steps in quotes', { user_id: 'ada', prompt: 'x', num_inference_steps: '50' }, ['/num_inference_steps']],
    ['half a step', { user_id: 'ada', prompt: 'x', num_inference_steps: 0.5 }, ['/num_inference_steps']],
    ['151 steps', { user_id: 'ada', prompt: 'x', num_inference_steps: 151 }, ['/num_inference_steps']],
    ['a scale in quotes', { user_id: 'ada', prompt: 'x', ip_adapter_scale: '0.5' }, ['/ip_adapter_scale']],
    ['a scale of true', { user_id: 'ada', prompt: 'x', ip_adapter_scale: true }, ['/ip_adapter_scale']],
    ['a scale of 1.5', { user_id: 'ada', prompt: 'x', ip_adapter_scale: 1.5 }, ['/ip_adapter_scale']],
    ['a control character', { user_id: 'ada', prompt: 'x', style_prompt: 'a\u0007' }, ['/style_prompt']],
    ['a bidi override', { user_id: 'ada', prompt: 'x', negative_prompt: '\u202e' }, ['/negative_prompt']],
    ['a seed of 33 bits', { user_id: 'ada', prompt: 'x', seed: 2 ** 32 }, ['/seed']],
    ['a LoRA with a slash', { user_id: 'ada', prompt: 'x', lora_id: 'a/b' }, ['/lora_id']],
    ['an unknown field', { user_id: 'ada', prompt: 'x', Prompt: 'x' }, ['/Prompt']],
  ])('refuses %s', async (_, body, pointers) => {
    const reply = await post('memory', body);
    expect(reply.status).toBe(422);
    expect(reply.body).toMatchObject({ error: 'validation-failed' });
    const { errors }: { errors: { pointer: string }[] } = reply.body;
    expect(errors.map(({ pointer }) => pointer).toSorted()).toEqual(pointers);
    expect(illustrator.tasks).toEqual([]);
  });

  it('cannot be given a number that is none', async () => {
    const reply = await request(app.getHttpServer())
      .post('/v1/images/memory')
      .type('json')
      .send('{"user_id":"ada","prompt":"x","ip_adapter_scale":1e999}');
    expect(reply.status).toBe(422);
  });

  it('stops the work when the client hangs up', async () => {
    illustrator.isHeld = true;
    const { port } = new URL(await app.getUrl());
    const headers = { 'Content-Type': 'application/json' };
    const call = httpRequest({ port, host: '127.0.0.1', method: 'POST', path: '/v1/images/memory', headers });
    const hungUp = new Promise((resolve) => call.once('error', resolve));
    call.end(JSON.stringify({ user_id: 'ada', prompt: 'the lake' }));
    await illustrator.begun;
    call.destroy();
    await hungUp;
    expect(await illustrator.ended).toMatchObject({ reason: 'canceled' });
    expect(await readdir(folder)).not.toContain('generated');
  });
});

describe('POST /v1/images/subject', () => {
  it('draws from the photo and the style alone', async () => {
    const reply = await post('subject', { user_id: 'ada', style_prompt: 'in oil' });
    expect(reply.status).toBe(200);
    const { data }: { data: { s3_uri: string; seed: number }[] } = reply.body;
    expect(data[0]?.s3_uri).toMatch(/^s3:\/\/local\/generated\/ada\/subject_[0-9a-f-]{36}\.png$/);
    expect(data[0]?.seed).toBe(illustrator.tasks[0]?.seed);
    expect(illustrator.tasks[0]).toMatchObject({ prompt: 'in oil', referenceImages: [Buffer.from('photo')] });
  });

  it.each([
    ['a prompt', { user_id: 'ada', prompt: 'x' }, '/prompt'],
    ['an empty style', { user_id: 'ada', style_prompt: '' }, '/style_prompt'],
  ])('refuses %s', async (_, body, pointer) => {
    const reply = await post('subject', body);
    expect(reply.status).toBe(422);
    expect(reply.body).toMatchObject({ error: 'validation-failed', errors: [{ pointer }] });
  });

  it('names the key of a missing photo', async () => {
    const reply = await post('subject', { user_id: 'nobody' });
    expect(reply.status).toBe(422);
    expect(reply.body).toMatchObject({
      error: 'avatar-not-found',
      detail: 'There is no reference image under the key subjects/nobody.png.',
    });
  });
});
