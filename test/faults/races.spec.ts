// Callers that race: with the end of their job, and with themselves.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { raceCancels } from '../support/cancel-races.js';
import { sendDuplicates } from '../support/duplicate-storm.js';
import { FaultClient } from '../support/fault-client.js';
import { dispatchesMs, latencies, percentile } from '../support/fault-figures.js';
import { FaultStack } from '../support/fault-stack.js';
import { judge } from '../support/judge.js';
import { hasS3Server, S3Server } from '../support/s3-server.js';
import { SeededRandom } from '../support/seeded-random.js';
import { isFull, scaled, seed } from './fault-scale.js';

const timeout = scaled(60_000, 900_000);

const stores = isFull && hasS3Server ? ['files', 'S3'] : ['files'];

describe.each(stores)(`races with pictures in %s (FAULTS_SEED=${seed})`, (store) => {
  let s3: S3Server | undefined;
  let stack: FaultStack;
  let client: FaultClient;
  const random = new SeededRandom(seed);
  beforeAll(async () => {
    s3 = store === 'S3' ? await S3Server.start() : undefined;
    stack = await FaultStack.start({ env: { FAKE_STEP_SECONDS: '0.005' }, s3 });
    client = new FaultClient(stack.urls, stack.history, random);
  });
  afterAll(async () => {
    await stack?.stop();
    await s3?.stop();
  });

  const calls = scaled(20, 300);
  it(`are not needed for work to begin at once: ${calls} jobs, one after the other`, { timeout }, async () => {
    for (let number = 0; number < calls; number += 1) await client.follow(await client.submit(`calm-${number}`));
    const history = stack.history.entries();
    const dispatches = dispatchesMs(history, stack.runs());
    console.log(
      latencies(`idle service, embedded database, pictures in ${store}, ${calls} jobs`, history, stack.runs()),
    );
    expect(dispatches).toHaveLength(calls);
    // A poll would take half a second on average; a notification takes none of it.
    expect(percentile(dispatches, 0.5)).toBeLessThan(250);
  });

  const copies = scaled(500, 10_000);
  it(`make one job and one drawing of ${copies} duplicates`, { timeout }, async () => {
    const key = 'storm';
    const replies = await sendDuplicates(stack.urls, key, copies);
    const [jobId = '', ...others] = new Set(replies.map((reply) => reply.jobId));
    // 200 is told to those that come when the picture is there.
    expect(replies.filter(({ status }) => status !== 202 && status !== 200)).toEqual([]);
    expect(others).toEqual([]);
    expect(replies.filter(({ isReplay }) => !isReplay)).toHaveLength(1);
    expect(await client.submit(key, { prompt: 'the lake, again and again', num_inference_steps: 5 })).toBe(jobId);
    await client.follow(jobId);
    expect(stack.runsOf(jobId)).toHaveLength(1);
  });

  const races = scaled(100, 1000);
  it(`end ${races} jobs once that are cancelled as they end`, { timeout }, async () => {
    const outcomes = await raceCancels(client, { races, lanes: 6, random });
    const ends = (name: string): number => outcomes.filter(({ end }) => end === name).length;
    console.log(`cancel against completion: ${ends('canceled')} canceled, ${ends('succeeded')} succeeded of ${races}`);
    expect(ends('canceled') + ends('succeeded')).toBe(races);
    // Else it was no race.
    expect(Math.min(ends('canceled'), ends('succeeded'))).toBeGreaterThan(races / 20);
    const wrong = outcomes.filter(({ end, replies }) =>
      replies.some(
        ({ status, state }) =>
          (status === 409 || state === 'succeeded' ? end === 'canceled' : status !== 200) ||
          (state === 'canceled' && end !== 'canceled'),
      ),
    );
    expect(wrong).toEqual([]);
  });

  it('leave nothing behind', { timeout }, async () => {
    const { verdict } = await judge(
      `calm, duplicates and cancels, embedded database, pictures in ${store}`,
      stack,
      client,
    );
    expect(verdict.accepted).toBe(calls + 1 + races);
  });
});
