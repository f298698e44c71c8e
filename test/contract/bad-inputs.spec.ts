// The corpus of wrong requests: each is refused with its status and slug as valid problem+json, over gRPC with the same
// reason, in good time, and the service goes on. `npm test -- gateway` prints how many were tried.
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { catalogue } from '../../apps/gateway/src/errors/catalogue.js';
import { toWireReason } from '../../apps/gateway/src/errors/reason-names.js';
import type { IllustrationServiceClient } from '../../apps/gateway/src/generated/autobio/illustration/v1/illustration.js';
import { aMemory, detailsOf, failureOf, toEnd } from '../support/grpc-calls.js';
import { expectProblem } from '../support/problem.js';
import { WholeApp } from '../support/whole-app.js';
import type { BadInput, GrpcForm } from './bad-inputs/bad-input.js';
import { badBodies } from './bad-inputs/bodies.js';
import { badCalls } from './bad-inputs/calls.js';
import { badFields } from './bad-inputs/fields.js';
import { badMessages } from './bad-inputs/messages.js';

// A machine that is busy with other things must not fail these.
vi.setConfig({ testTimeout: 20_000 });

const corpus = [...badFields, ...badBodies, ...badCalls, ...badMessages];
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

interface Reply {
  status: number;
  headers: Headers;
  text: string;
}

async function send({ method = 'POST', path = '/v1/images/memory', headers, body = {} }: BadInput): Promise<Reply> {
  const isJson = typeof body === 'object' && !Buffer.isBuffer(body);
  const sent = isJson ? JSON.stringify({ user_id: 'ada', prompt: 'the lake', ...body }) : body;
  const response = await fetch(whole.url + path, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(method === 'POST' && { body: Buffer.from(sent) as unknown as BodyInit }),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

async function sendRaw(message: string | Buffer): Promise<Reply> {
  const { hostname, port } = new URL(whole.url);
  const socket = connect(Number(port), hostname);
  socket.write(message);
  const reply = await text(socket);
  const [head = '', ...rest] = reply.split('\r\n\r\n');
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers = new Headers(
    lines.map((line): [string, string] => [line.split(': ')[0] ?? '', line.split(': ')[1] ?? '']),
  );
  return { status: Number(statusLine.split(' ')[1]), headers, text: rest.join('\r\n\r\n') };
}

it('holds at least 120 inputs, each once', () => {
  expect(corpus.length).toBeGreaterThanOrEqual(120);
  expect(new Set(corpus.map(({ what }) => what)).size).toBe(corpus.length);
});

describe('over REST', () => {
  it.each(corpus)('$what is $status $error', async (input) => {
    const startedMs = performance.now();
    const reply = await (input.raw === undefined ? send(input) : sendRaw(input.raw));
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
