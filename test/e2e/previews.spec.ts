// The unfinished picture, from the real worker to whoever watches.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { pngSize } from '../../apps/gateway/src/illustration/png-size.js';
import { portrait } from '../support/avatars.js';
import { RunningService } from '../support/running-service.js';
import { SseReader } from '../support/sse-reader.js';
import { withCanary } from '../support/with-canary.js';

const request = { user_id: 'ada', prompt: 'A long evening', num_inference_steps: 60, seed: 7 };

let service: RunningService;

beforeAll(async () => {
  service = await RunningService.start();
  service.putObject('avatars/ada.png', portrait);
});
afterAll(() => service?.stop());

it('is shown while it is drawn, an eighth as wide and high, and changes nothing', async () => {
  const reader = await SseReader.open(`${service.url}/v1/images/memory`, {
    method: 'POST',
    body: JSON.stringify(withCanary({ ...request, width: 128, height: 192, preview_every: 5 })),
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
  });
  await reader.ended;
  const previews = reader.events.filter(({ event }) => event === 'preview');
  const pictures = previews.map(({ data }) => Buffer.from(String(data['b64_json']), 'base64'));
  expect(previews.length).toBeGreaterThanOrEqual(2);
  expect(new Set(pictures.map((png) => png.toString('base64'))).size).toBe(previews.length);
  expect(pictures.map(pngSize)).toEqual(previews.map(() => ({ width: 16, height: 24 })));
  const steps = previews.map(({ data }) => (data['progress'] as { step: number }).step);
  expect(steps).toEqual(steps.toSorted((one, other) => one - other).filter((step) => step % 5 === 0));

  const last = reader.events.at(-1);
  expect(last?.event).toBe('succeeded');
  const [shown] = (last?.data['data'] ?? []) as { url: string }[];
  const picture = await (await fetch(shown?.url ?? '')).arrayBuffer();
  expect(Buffer.from(picture).equals(await service.drawMemory({ ...request, width: 128, height: 192 }))).toBe(true);
});
