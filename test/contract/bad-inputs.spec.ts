// The corpus of wrong requests: each is refused with its status and slug as valid problem+json, over gRPC with the same
// reason, in good time, and the service goes on. `npm test -- gateway` prints how many were tried.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { catalogue } from '../../apps/gateway/src/errors/catalogue.js';
import { toWireReason } from '../../apps/gateway/src/errors/reason-names.js';
import type { IllustrationServiceClient } from '../../apps/gateway/src/generated/autobio/illustration/v1/illustration.js';
import { aMemory, detailsOf, failureOf, toEnd } from '../support/grpc-calls.js';
import { expectProblem } from '../support/problem.js';
import { sendBadInput } from '../support/send-bad-input.js';
import { WholeApp } from '../support/whole-app.js';
import type { BadInput, GrpcForm } from './bad-inputs/bad-input.js';
import { corpus } from './bad-inputs/corpus.js';

// A machine that is busy with other things must not fail these.
vi.setConfig({ testTimeout: 20_000 });

const overGrpc = corpus.filter((input): input is BadInput & { grpc: GrpcForm } => input.grpc !== undefined);

let whole: WholeApp;
let client: IllustrationServiceClient;
const refusals: { what: string; ms: number; status: number }[] = [];

beforeAll(async () => {
  whole = await WholeApp.start();
  client = whole.grpcClient();
}, 60_000);
afterAll(async () => {
  client.close();
  await whole.stop();
  const slowest = refusals.toSorted((one, other) => other.ms - one.ms)[0];
  const failures = refusals.filter(({ status }) => status >= 500).length;
  process.stdout.write(
    `bad inputs: ${corpus.length} over REST, ${overGrpc.length} of them over gRPC; ${failures} answers of 500 or more; ` +
      `slowest refusal ${slowest?.ms.toFixed(0)} ms (${slowest?.what})\n`,
  );
});

it('holds at least 120 inputs, each once', () => {
  expect(corpus.length).toBeGreaterThanOrEqual(120);
  expect(new Set(corpus.map(({ what }) => what)).size).toBe(corpus.length);
});

describe('over REST', () => {
  it.each(corpus)('$what is $status $error', async (input) => {
    const startedMs = performance.now();
    const reply = await sendBadInput(whole.url, input);
    refusals.push({ what: input.what, ms: performance.now() - startedMs, status: reply.status });
    expect({ status: reply.status, error: expectProblem(reply).error }).toEqual({
      status: input.status,
      error: input.error,
    });
    const allow = reply.headers.get('allow') ?? '';
    expect(/^[A-Z]+(, [A-Z]+)*$/.test(allow)).toBe(reply.status === 405);
  });
});

describe('over gRPC', () => {
  const callOf = {
    illustrate: async (fields: object) => (await toEnd(client.illustrate(aMemory(fields)))).error,
    listJobs: (fields: object) => failureOf((done) => client.listJobs(fields, done)),
    getJob: (jobId: string) => failureOf((done) => client.getJob({ jobId }, done)),
    cancelJob: (jobId: string) => failureOf((done) => client.cancelJob({ jobId }, done)),
    eraseUserData: (userId: string) => failureOf((done) => client.eraseUserData({ userId }, done)),
  };

  it.each(overGrpc)('$what is $error too', async ({ grpc, error }) => {
    const [[name, argument] = ['getJob', '']] = Object.entries(grpc);
    const failure = await callOf[name as keyof typeof callOf](argument as never);
    expect(failure?.code).toBe(catalogue[error].grpcStatus);
    expect(failure && detailsOf(failure)).toMatchObject({
      reason: toWireReason(error),
      domain: 'illustration.autobio',
    });
  });
});

it('leaves a service that draws', async () => {
  const response = await fetch(`${whole.url}/v1/images/memory`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ user_id: 'ada', prompt: 'the lake' }),
  });
  expect(response.status).toBe(200);
});
