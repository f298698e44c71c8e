// Previews of unfinished pictures, over both faces of the whole gateway.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { aMemory, toEnd } from '../../../../test/support/grpc-calls.js';
import { SseReader } from '../../../../test/support/sse-reader.js';
import { WholeApp } from '../../../../test/support/whole-app.js';
import { Database } from '../database/database.js';
import { pngSize } from './png-size.js';

let whole: WholeApp;

beforeAll(async () => {
  whole = await WholeApp.start();
}, 30_000);
afterEach(() => whole.drawings.release());
afterAll(() => whole.stop());

const urlOf = (id: string) => `${whole.url}/v1/jobs/${id}/events`;
const asked = { preview_every: 1, num_inference_steps: 4 };

async function storedPreviews(): Promise<number> {
  return (await whole.app.get(Database).query('SELECT 1 AS one FROM illustration.job_previews')).length;
}

describe('an event stream', () => {
  it('shows the unfinished picture, without an id, to whoever comes', async () => {
    whole.drawings.hold();
    const id = await whole.accept(asked);
    const first = await SseReader.open(urlOf(id));
    const preview = await first.until('preview');
    expect(preview).toEqual({
      event: 'preview',
      id: undefined,
      data: {
        job_id: id,
        progress: { step: 1, total_steps: 4, image: 1, images: 1 },
        mime_type: 'image/png',
        b64_json: expect.any(String),
      },
    });
    expect(pngSize(Buffer.from(String(preview.data['b64_json']), 'base64'))).toEqual({ width: 8, height: 8 });

    const second = await SseReader.open(urlOf(id));
    expect(await second.until('preview')).toEqual(preview);
    whole.drawings.release();
    await Promise.all([first.ended, second.ended]);
    expect(first.facts.map((fact) => fact.id)).toEqual(first.facts.map((_, index) => index + 1));
    expect(first.events.at(-1)?.event).toBe('succeeded');
    expect(await storedPreviews()).toBe(0);
  });

  it('shows nothing unless it was asked for', async () => {
    const reader = await SseReader.open(urlOf(await whole.accept({ num_inference_steps: 30 })));
    await reader.ended;
    expect(reader.events.map(({ event }) => event)).not.toContain('preview');
  });

  it('of a job that has ended shows nothing, and ends', async () => {
    const id = await whole.accept(asked);
    await expect.poll(async () => (await whole.job(id)).state, { interval: 5 }).toBe('succeeded');
    const reader = await SseReader.open(urlOf(id));
    await reader.ended;
    expect(reader.events.map(({ event }) => event)).not.toContain('preview');
    expect(reader.events.at(-1)?.event).toBe('succeeded');
  });
});

it('is a message of the gRPC call too, before the last', async () => {
  const client = whole.grpcClient();
  whole.drawings.hold();
  const call = client.illustrate(aMemory({ numInferenceSteps: 4, previewEvery: 1 }));
  const shown = new Promise<void>((resolve) => {
    call.on('data', ({ event }) => event?.$case === 'preview' && resolve());
  });
  const told = toEnd(call);
  await shown;
  whole.drawings.release();
  const { messages, error } = await told;
  expect(error).toBeUndefined();
  const previews = messages.flatMap(({ event }) => (event?.$case === 'preview' ? [event.value] : []));
  expect(previews[0]).toMatchObject({ step: 1, totalSteps: 4, image: 1, mimeType: 'image/png' });
  expect(pngSize(previews[0]?.data ?? Buffer.alloc(0))).toEqual({ width: 8, height: 8 });
  expect(messages.at(-1)?.event?.$case).toBe('ended');
  client.close();
});

it.each([0, 151, 1.5, 'often'])('is refused every %s steps', async (every) => {
  await expect(whole.accept({ preview_every: every })).rejects.toThrow(/^422: .*preview_every/);
});
