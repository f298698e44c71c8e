// A picture that was drawn is not drawn again by the real worker: the same request has a copy of it.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { portrait, stripes } from '../support/avatars.js';
import { RunningService } from '../support/running-service.js';

const request = { user_id: 'ada', prompt: 'A long evening', num_inference_steps: 4, seed: 7 };

interface Reply {
  cached: boolean;
  job_id: string;
  data: { url: string }[];
}

let service: RunningService;

beforeAll(async () => {
  service = await RunningService.start({ RESULT_CACHE_TTL_SECONDS: '600' });
  service.putObject('avatars/ada.png', portrait);
});
afterAll(() => service?.stop());

async function draw(fields: object = {}, headers: Record<string, string> = {}): Promise<{ reply: Reply; png: Buffer }> {
  const response = await service.post('/v1/images/memory', { ...request, ...fields }, { headers });
  expect(response.status).toBe(200);
  const reply = (await response.json()) as Reply;
  const picture = await fetch(reply.data[0]?.url ?? '');
  return { reply, png: Buffer.from(await picture.arrayBuffer()) };
}

/** Jobs that the worker has drawn. */
function drawn(): Set<string | undefined> {
  return new Set(service.logLines().flatMap((line) => (line.service === 'worker' ? [line.job_id] : [])));
}

it('is a copy, byte for byte, and the worker never heard of its job', async () => {
  const first = await draw();
  const second = await draw();
  expect([first.reply.cached, second.reply.cached]).toEqual([false, true]);
  expect(second.png.equals(first.png)).toBe(true);
  expect(drawn().has(first.reply.job_id)).toBe(true);
  expect(drawn().has(second.reply.job_id)).toBe(false);
});

it('is drawn when the caller wants it so, and is the picture that it was', async () => {
  const known = await draw();
  const fresh = await draw({}, { 'cache-control': 'no-cache' });
  expect(fresh.reply.cached).toBe(false);
  expect(drawn().has(fresh.reply.job_id)).toBe(true);
  expect(fresh.png.equals(known.png)).toBe(true);
});

it('is another picture once the avatar is another', async () => {
  const before = await draw();
  service.putObject('avatars/ada.png', stripes());
  const after = await draw();
  expect(after.reply.cached).toBe(false);
  expect(after.png.equals(before.png)).toBe(false);
});
