// What the worker warns of reaches the caller, over REST and gRPC.
import request from 'supertest';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';

import { aMemory, toEnd } from '../../../../../test/support/grpc-calls.js';
import { WholeApp } from '../../../../../test/support/whole-app.js';
import type { IllustrationServiceClient } from '../../generated/autobio/illustration/v1/illustration.js';
import { Illustrator, type DrawingEvent } from '../domain/illustrator.js';

const warning = 'The prompt was cut: the model reads 77 tokens of it.';
let whole: WholeApp;
let client: IllustrationServiceClient;

beforeAll(async () => {
  whole = await WholeApp.start();
  client = whole.grpcClient();
}, 30_000);
afterEach(() => vi.restoreAllMocks());
afterAll(async () => {
  client.close();
  await whole.stop();
});

/** The fake, which now warns with every picture. */
function warn(): void {
  const illustrator = whole.app.get(Illustrator, { strict: false });
  const draw = illustrator.draw.bind(illustrator);
  vi.spyOn(illustrator, 'draw').mockImplementation(async function* (...args): AsyncGenerator<DrawingEvent> {
    for await (const event of draw(...args)) {
      yield event.type === 'finished' ? { ...event, drawing: { ...event.drawing, warnings: [warning] } } : event;
    }
  });
}

function post() {
  return request(whole.server).post('/v1/images/memory').send({ user_id: 'ada', prompt: 'the lake', n: 2 });
}

it('is in the reply, the job and the gRPC job, once for all pictures', async () => {
  warn();
  const { body } = await post();
  expect(body.warnings).toEqual([warning]);
  expect(await whole.job(body.job_id)).toMatchObject({ warnings: [warning] });
  const { ended } = await toEnd(client.illustrate(aMemory()));
  expect(ended?.warnings).toEqual([warning]);
});

it('is not there when there is nothing to warn of', async () => {
  const { body } = await post();
  expect(body).not.toHaveProperty('warnings');
  expect(await whole.job(body.job_id)).not.toHaveProperty('warnings');
  expect((await toEnd(client.illustrate(aMemory()))).ended?.warnings).toEqual([]);
});
