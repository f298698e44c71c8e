// Where nobody names a model, the built-in sketch model draws, as `npm start` does: it says what it is and what it cannot do.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { pngSize } from '../../apps/gateway/src/illustration/png-size.js';
import { sketchSteps } from '../../scripts/service/models.mjs';
import { portrait } from '../support/avatars.js';
import { expectProblem } from '../support/problem.js';
import { RunningService } from '../support/running-service.js';

const side = 128;
const request = { user_id: 'ada', prompt: 'A beautiful sunset over mountains', num_inference_steps: 4 };

let service: RunningService;

beforeAll(async () => {
  service = await RunningService.start({ MODEL_PATH: '' });
  service.putObject('avatars/ada.png', portrait);
});
afterAll(() => service?.stop());

it('calls itself what it is, and offers the one size that it draws', async () => {
  const response = await fetch(`${service.url}/v1/models`);
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({
    is_demo_model: true,
    note: expect.stringContaining('The built-in sketch model'),
    adapters: [
      { role: 'ip_adapter', source: expect.stringContaining('ip-adapter_sdxl.safetensors') },
      { role: 'image_encoder' },
    ],
    limits: { image_size: { min: side, max: side }, default_image_size: side },
  });
});

it('draws pictures of that size', async () => {
  expect(pngSize(await service.drawMemory(request))).toEqual({ width: side, height: side });
});

it('takes as many steps as it needs where nobody names a number', async () => {
  const response = await service.post('/v1/images/memory', { user_id: 'ada', prompt: 'A house' });
  const { job_id: id } = (await response.json()) as { job_id: string };
  const job = await (await fetch(`${service.url}/v1/jobs/${id}`)).json();
  expect(job).toMatchObject({ state: 'succeeded', receipt: { num_inference_steps: Number(sketchSteps) } });
});

it('gives back the words that it never learnt, and only those', async () => {
  const response = await service.post('/v1/images/memory', { ...request, prompt: 'a submarine next to a house' });
  const { warnings = [] } = (await response.json()) as { warnings?: string[] };
  expect(response.status).toBe(200);
  const warning = warnings.find((text) => text.startsWith('prompt holds words that this model never learnt'));
  expect(warning).toContain('submarine');
  expect(warning).not.toContain('house');
});

it('refuses any other size', async () => {
  const response = await service.post('/v1/images/memory', { ...request, width: 256 });
  const problem = expectProblem({
    status: response.status,
    headers: response.headers,
    text: await response.text(),
  });
  expect(problem).toMatchObject({
    status: 422,
    error: 'validation-failed',
    errors: [{ pointer: '/width', detail: `width must be ${side}: the model in use draws one size only` }],
  });
});
