import { createHash } from 'node:crypto';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import request, { type Response } from 'supertest';

import { GatewayApp } from '../../../../../test/support/gateway-app.js';
import { DomainError } from '../../errors/domain-error.js';

// Drawing over REST, on the whole gateway: what is asked, what is answered, what becomes of the job.

const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const lake = { user_id: 'ada', prompt: 'the lake' };
let gateway: GatewayApp;

async function post(kind: 'memory' | 'subject', body: object, headers: Record<string, string> = {}): Promise<Response> {
  return gateway.post(kind, body, headers);
}

beforeAll(async () => {
  gateway = await GatewayApp.start({
    SERVICE_URL: 'https://images.example',
    REQUEST_TIMEOUT_SECONDS: '1',
    DEFAULT_NEGATIVE_PROMPT: 'error',
    DEFAULT_MEMORY_STYLE_PROMPT: 'memory style',
    DEFAULT_SUBJECT_STYLE_PROMPT: 'subject style',
  });
  await gateway.objects.put('avatars/ada.png', Buffer.from('avatar'), 'image/png');
  await gateway.objects.put('subjects/ada.png', Buffer.from('photo'), 'image/png');
}, 60_000);
beforeEach(() => gateway.fake.reset());
afterEach(() => gateway.cancelAll());
afterAll(() => gateway.stop());

describe('POST /v1/images/memory', () => {
  it("answers as the prototype did, and tells the job, the seed and the picture's size and address", async () => {
    const reply = await post('memory', { ...lake, seed: 7 });
    expect(reply.status).toBe(200);
    expect(reply.headers['content-type']).toBe('application/json; charset=utf-8');
    const jobId = gateway.fake.tasks[0]?.jobId;
    const key = `generated/ada/memory_${jobId}.png`;
    const uri = `s3://local/${key}`;
    const url = `https://images.example/images/${key}`;
    expect(reply.text).toBe(
      `{"data":[{"s3_uri":"${uri}","url":"${url}","seed":7,"width":64,"height":64}],"job_id":"${jobId}","cached":false}`,
    );
    expect(key).toMatch(new RegExp(`^generated/ada/memory_${uuid}\\.png$`));
    expect(gateway.results()).toContain(key.replace('generated/', ''));
  });

  it('tells where the time went', async () => {
    const { headers } = await post('memory', lake);
    const timing = String(headers['server-timing']);
    const entries = timing.split(', ').map((entry) => /^([a-z]+);dur=(\d+(?:\.\d)?)$/.exec(entry));
    const names = entries.map((entry) => entry?.[1]);
    expect(names).toEqual(['queue', 'reference', 'encode', 'denoise', 'decode', 'png', 'upload']);
    expect(Number(entries[3]?.[2])).toBeGreaterThan(0);
  });

  it('passes every field on', async () => {
    const body = {
      user_id: 'ada',
      prompt: 'the lake',
      num_inference_steps: 3,
      ip_adapter_scale: 0,
      ip_adapter_mode: 'style',
      negative_prompt: '',
      style_prompt: 'in oil',
      lora_id: null,
      seed: 4_294_967_295,
      guidance_scale: 0,
      width: 128,
      height: 72,
    };
    expect((await post('memory', body)).status).toBe(200);
    expect(gateway.fake.tasks[0]).toMatchObject({
      prompt: 'the lake',
      prompt2: 'in oil',
      numInferenceSteps: 3,
      people: [{ ipAdapterScale: 0 }],
      ipAdapterMode: 'style',
      negativePrompt: '',
      seed: 4_294_967_295,
      guidanceScale: 0,
      width: 128,
      height: 72,
    });
  });

  it('takes the defaults for null as for absent', async () => {
    const nulls = {
      num_inference_steps: null,
      ip_adapter_scale: null,
      negative_prompt: null,
      style_prompt: null,
      lora_id: null,
      lora_scale: null,
      ip_adapter_mode: null,
      people: null,
      seed: null,
    };
    expect((await post('memory', { user_id: 'ada', prompt: 'the lake', ...nulls })).status).toBe(200);
    expect((await post('memory', { user_id: 'ada', prompt: 'the lake' })).status).toBe(200);
    const [first, second] = gateway.fake.tasks.map(
      ({ jobId: _job, requestId: _request, seed: _seed, ...rest }) => rest,
    );
    expect(first).toEqual(second);
    expect(first).toMatchObject({ numInferenceSteps: 2, people: [{ ipAdapterScale: 0.33 }], negativePrompt: 'error' });
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
    ['a guidance in quotes', { user_id: 'ada', prompt: 'x', guidance_scale: '5' }, ['/guidance_scale']],
    ['a guidance of 31', { user_id: 'ada', prompt: 'x', guidance_scale: 31 }, ['/guidance_scale']],
    ['five images', { user_id: 'ada', prompt: 'x', n: 5 }, ['/n']],
    ['half an image', { user_id: 'ada', prompt: 'x', n: 0.5 }, ['/n']],
    ['a width of 1023', { user_id: 'ada', prompt: 'x', width: 1023 }, ['/width']],
    ['a height of 0', { user_id: 'ada', prompt: 'x', height: 0 }, ['/height']],
    [
      'sides that the model does not draw',
      { user_id: 'ada', prompt: 'x', width: 4096, height: 2056 },
      ['/height', '/width'],
    ],
    ['an unknown response format', { user_id: 'ada', prompt: 'x', response_format: 'jpeg' }, ['/response_format']],
    ['an unknown field', { user_id: 'ada', prompt: 'x', Prompt: 'x' }, ['/Prompt']],
  ])('refuses %s', async (_, body, pointers) => {
    const reply = await post('memory', body);
    expect(reply.status).toBe(422);
    expect(reply.body).toMatchObject({ error: 'validation-failed' });
    const { errors }: { errors: { pointer: string }[] } = reply.body;
    expect(errors.map(({ pointer }) => pointer).toSorted()).toEqual(pointers);
    expect(gateway.fake.tasks).toEqual([]);
  });

  it('cannot be given a number that is none', async () => {
    const reply = await request(gateway.url)
      .post('/v1/images/memory')
      .type('json')
      .send('{"user_id":"ada","prompt":"x","ip_adapter_scale":1e999}');
    expect(reply.status).toBe(422);
  });

  it('draws several pictures, one entry each', async () => {
    const reply = await post('memory', { ...lake, n: 3, seed: 4_294_967_295 });
    const { data }: { data: { s3_uri: string; seed: number }[] } = reply.body;
    expect(data.map(({ seed }) => seed)).toEqual([4_294_967_295, 0, 1]);
    expect(new Set(data.map(({ s3_uri }) => s3_uri)).size).toBe(3);
  });

  it('gives the same picture for the same seed, and ten callers at once each their own', async () => {
    const digestOf = async (seed: number): Promise<string> => {
      // Patient: ten at once may take longer than the second that this gateway waits by itself.
      const reply = await post('memory', { ...lake, seed, response_format: 'b64_json' }, { prefer: 'wait=30' });
      const { data }: { data: { b64_json: string }[] } = reply.body;
      return createHash('sha256')
        .update(Buffer.from(data[0]?.b64_json ?? '', 'base64'))
        .digest('hex');
    };
    const together = await Promise.all(Array.from({ length: 10 }, (_, seed) => digestOf(seed)));
    expect(new Set(together).size).toBe(10);
    expect(await digestOf(4)).toBe(together[4]);
  });

  it.each([
    ['s3_uri', []],
    ['url', []],
    ['b64_json', ['b64_json']],
    [null, []],
  ])('tells of the picture what response_format %s asks for', async (format, more) => {
    const reply = await post('memory', { ...lake, response_format: format });
    const { data }: { data: Record<string, string>[] } = reply.body;
    expect(Object.keys(data[0] ?? {})).toEqual(['s3_uri', 'url', 'seed', 'width', 'height', ...more]);
    const { body } = await gateway.objects.get(data[0]?.['s3_uri']?.replace('s3://local/', '') ?? '', {
      maxBytes: 1e6,
    });
    const encoded = format === 'b64_json' ? body.toString('base64') : undefined;
    expect(data[0]?.['b64_json']).toBe(encoded);
  });

  it('is 503 at once while nothing can be drawn, and takes nothing on', async () => {
    const error = new DomainError('starting', 'The model is still loading.');
    gateway.fake.availability = { isReady: false, error };
    const before = await gateway.jobs.list('default', { pageSize: 1 });
    const reply = await post('memory', lake);
    expect(reply.status).toBe(503);
    expect(reply.body).toMatchObject({ error: 'starting', detail: 'The model is still loading.' });
    expect(reply.headers['retry-after']).toBe('5');
    expect(await gateway.jobs.list('default', { pageSize: 1 })).toEqual(before);
  });
});

describe('POST /v1/images/subject', () => {
  it('draws from the photo and the style alone', async () => {
    const reply = await post('subject', { user_id: 'ada', style_prompt: 'in oil' });
    expect(reply.status).toBe(200);
    const { data }: { data: { s3_uri: string; seed: number }[] } = reply.body;
    expect(data[0]?.s3_uri).toMatch(/^s3:\/\/local\/generated\/ada\/subject_[0-9a-f-]{36}\.png$/);
    expect(data[0]?.seed).toBe(gateway.fake.tasks[0]?.seed);
    expect(gateway.fake.tasks[0]).toMatchObject({
      prompt: 'in oil',
      people: [{ referenceImages: [Buffer.from('photo')] }],
    });
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
