// A memory and a portrait are drawn by the real chain, and the replies are what AutoBio's client expects.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { portrait, stripes } from '../support/avatars.js';
import { RunningService } from '../support/running-service.js';

const pngSignature = Buffer.from('89504e470d0a1a0a', 'hex');
let service: RunningService;

beforeAll(async () => {
  service = await RunningService.start();
  service.putObject('avatars/ada.png', portrait);
  service.putObject('subjects/ada.png', portrait);
  service.putObject('avatars/bob.png', stripes());
  service.putObject('avatars/text.png', Buffer.from('not a picture at all'));
});
afterAll(() => service?.stop());

describe.each([
  { kind: 'memory', request: { user_id: 'ada', prompt: 'A walk along the beach', num_inference_steps: 4 } },
  { kind: 'subject', request: { user_id: 'ada', num_inference_steps: 4 } },
])('POST /v1/images/$kind', ({ kind, request }) => {
  it('answers with the place of a PNG that can be fetched', async () => {
    const response = await service.post(`/v1/images/${kind}`, request);
    const body = (await response.json()) as { data: { s3_uri: string; url: string }[] };

    expect(response.status).toBe(200);
    expect(body.data).toHaveLength(1);
    expect(body.data[0]?.s3_uri).toMatch(new RegExp(`^s3://local/generated/ada/${kind}_[A-Za-z0-9_-]+\\.png$`));
    const picture = await fetch(body.data[0]?.url ?? '');
    expect(picture.headers.get('content-type')).toBe('image/png');
    expect(Buffer.from(await picture.arrayBuffer()).subarray(0, 8)).toEqual(pngSignature);
  });

  it('takes null for every optional field', async () => {
    const nulls = { ip_adapter_scale: null, negative_prompt: null, style_prompt: null, lora_id: null };
    const response = await service.post(`/v1/images/${kind}`, { ...request, ...nulls });
    expect(response.status).toBe(200);
  });
});

describe('the reference image', () => {
  const request = { prompt: 'A house by the lake', num_inference_steps: 4, seed: 7 };

  it('steers the picture by its weight', async () => {
    const drawn = (user_id: string, ip_adapter_scale: number) =>
      service.drawMemory({ ...request, user_id, ip_adapter_scale });
    const [ada, bob] = [await drawn('ada', 0.6), await drawn('bob', 0.6)];
    expect(ada.equals(bob)).toBe(false);
    expect((await drawn('ada', 0)).equals(await drawn('bob', 0))).toBe(true);
    expect((await drawn('ada', 0.6)).equals(ada)).toBe(true);
  });

  it('that is missing is the caller’s to fix, and the reply names the key looked for', async () => {
    const response = await service.post('/v1/images/memory', { ...request, user_id: 'nobody' });
    expect(response.status).toBe(422);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    expect(await response.json()).toMatchObject({
      error: 'avatar-not-found',
      detail: expect.stringContaining('avatars/nobody.png'),
    });
  });

  it('that is no picture is refused before anything is drawn', async () => {
    const response = await service.post('/v1/images/memory', { ...request, user_id: 'text' });
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({ error: 'avatar-invalid' });
  });
});

describe('ten different requests at once', () => {
  const requests = Array.from({ length: 10 }, (_, index) => ({
    user_id: index % 2 === 0 ? 'ada' : 'bob',
    prompt: `Memory number ${index}`,
    num_inference_steps: 3 + (index % 4),
    ip_adapter_scale: index / 10,
    negative_prompt: index % 3 === 0 ? 'rain' : null,
    seed: index,
  }));

  it('each give the picture that the request gives alone', async () => {
    const together = await Promise.all(requests.map((request) => service.drawMemory(request)));
    for (const [index, request] of requests.entries()) {
      expect((await service.drawMemory(request)).equals(together[index] ?? Buffer.alloc(0)), `request ${index}`).toBe(
        true,
      );
    }
  });
});

describe('the request id', () => {
  it('crosses from the caller through both logs', async () => {
    await service.post(
      '/v1/images/memory',
      { user_id: 'ada', prompt: 'A dog', num_inference_steps: 1 },
      { headers: { 'x-request-id': 'trace-me-1' } },
    );
    const services = new Set(
      service
        .logLines()
        .filter((line) => line.request_id === 'trace-me-1')
        .map((line) => line.service),
    );
    expect([...services].toSorted()).toEqual(['gateway', 'worker']);
  });

  it('is the only thing of the request in the logs: prompts are not', () => {
    const text = JSON.stringify(service.logLines());
    expect(text).not.toContain('walk along the beach');
    expect(text).not.toContain('house by the lake');
  });
});
