// Whether a picture was known already, and how a caller has it drawn all the same: over REST and gRPC.
import request from 'supertest';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { aMemory, toEnd } from '../../../../../test/support/grpc-calls.js';
import { WholeApp } from '../../../../../test/support/whole-app.js';
import type { IllustrationServiceClient } from '../../generated/autobio/illustration/v1/illustration.js';
import type { Job } from '../../generated/autobio/illustration/v1/job.js';

let whole: WholeApp;
let client: IllustrationServiceClient;

beforeAll(async () => {
  whole = await WholeApp.start({ RESULT_CACHE_TTL_SECONDS: '60' });
  client = whole.grpcClient();
}, 30_000);
afterAll(async () => {
  client.close();
  await whole.stop();
});

interface Reply {
  job_id: string;
  cached: boolean;
  data: { s3_uri: string }[];
}

async function overRest(fields: object, headers: Record<string, string> = {}) {
  const { body }: { body: Reply } = await request(whole.server)
    .post('/v1/images/memory')
    .set(headers)
    .send({ user_id: 'ada', prompt: aMemory().prompt, ...fields });
  return body;
}

async function overGrpc(fields: Parameters<typeof aMemory>[0]): Promise<Job | undefined> {
  return (await toEnd(client.illustrate(aMemory(fields)))).ended;
}

it('the reply, the job and the receipt say so, and each job has a picture of its own', async () => {
  const [first, second] = [await overRest({ seed: 7 }), await overRest({ seed: 7 })];
  expect([first.cached, second.cached]).toEqual([false, true]);
  expect(second.data[0]?.s3_uri).not.toBe(first.data[0]?.s3_uri);
  expect(await whole.job(first.job_id)).toMatchObject({ cached: false });
  expect(await whole.job(second.job_id)).toMatchObject({
    cached: true,
    receipt: { gpu_seconds: 0, cached_images: 1, images: [{ cached_from: first.job_id }] },
  });
});

it('is known whatever the face that asks', async () => {
  await overRest({ seed: 8 });
  expect((await overGrpc({ seed: 8 }))?.cached).toBe(true);
  expect((await overGrpc({ seed: 9 }))?.cached).toBe(false);
  expect((await overRest({ seed: 9 })).cached).toBe(true);
});

it.each(['no-cache', 'max-age=0, No-Cache'])('Cache-Control: %s has it drawn', async (header) => {
  await overRest({ seed: 10 });
  expect((await overRest({ seed: 10 }, { 'cache-control': header })).cached).toBe(false);
  expect((await overRest({ seed: 10 }, { 'cache-control': 'max-age=0' })).cached).toBe(true);
});

it('no_cache over gRPC has it drawn', async () => {
  expect((await overGrpc({ seed: 11 }))?.cached).toBe(false);
  expect((await overGrpc({ seed: 11, noCache: true }))?.cached).toBe(false);
  expect((await overGrpc({ seed: 11, noCache: false }))?.cached).toBe(true);
});

it('a key is a key: the same job, however it is asked for', async () => {
  const key = { 'idempotency-key': 'once' };
  const first = await overRest({ seed: 12 }, key);
  const again = await overRest({ seed: 12 }, { ...key, 'cache-control': 'no-cache' });
  expect(again).toEqual(first);
});
