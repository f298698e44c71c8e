// Who was erased is not in the worker's memory either: prompt and photo are encoded anew when they come again.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../../scripts/service/service.mjs';
import { portrait } from '../support/avatars.js';
import { readMetrics } from '../support/metrics-page.js';
import { RunningService } from '../support/running-service.js';

let service: RunningService;
let metricsUrl: string;

beforeAll(async () => {
  const port = await freePort();
  metricsUrl = `http://127.0.0.1:${port}/metrics`;
  service = await RunningService.start({ WORKER_METRICS_PORT: String(port) });
  service.putObject('avatars/ada.png', portrait);
});
afterAll(() => service?.stop());

/** Draws, and tells how often the worker found what it had encoded, and how often not. */
async function lookupsOfDrawing(seed: number): Promise<{ hits: number; misses: number }> {
  const before = await lookups();
  await service.drawMemory({ user_id: 'ada', prompt: 'The letters in the attic', num_inference_steps: 2, seed });
  const after = await lookups();
  return { hits: after.hits - before.hits, misses: after.misses - before.misses };
}

async function lookups(): Promise<{ hits: number; misses: number }> {
  const samples = await readMetrics(metricsUrl);
  const count = (result: string): number =>
    samples.find(
      ({ name, labels }) => name === 'illustration_worker_embedding_lookups_total' && labels['result'] === result,
    )?.value ?? 0;
  return { hits: count('hit'), misses: count('miss') };
}

async function erase(): Promise<unknown> {
  const response = await fetch(`${service.url}/v1/users/ada/data`, { method: 'DELETE' });
  expect(response.status).toBe(200);
  return response.json();
}

it('has the worker forget, and says how much', async () => {
  await lookupsOfDrawing(1);
  // Prompt, negative prompt and photo.
  expect(await lookupsOfDrawing(2)).toEqual({ hits: 3, misses: 0 });
  expect(await erase()).toMatchObject({ jobs: 2, cached_embeddings: 3, pending_jobs: 0 });
  expect(await lookupsOfDrawing(3)).toEqual({ hits: 0, misses: 3 });
});

it('says so when there is nothing left', async () => {
  await erase();
  expect(await erase()).toMatchObject({ jobs: 0, cached_embeddings: 0 });
});
