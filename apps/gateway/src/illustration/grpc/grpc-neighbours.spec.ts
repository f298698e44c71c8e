// What is served beside the illustrations: health, reflection; who is let in; how it all ends.
import { create, createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { Client, credentials, Metadata, type ServiceError, status as grpcStatus } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { aMemory, answerOf, detailsOf, failureOf, toEnd } from '../../../../../test/support/grpc-calls.js';
import { WholeApp } from '../../../../../test/support/whole-app.js';
import { bootFailureLines } from '../../boot-failure.js';
import { DomainError } from '../../errors/domain-error.js';
import type { IllustrationServiceClient } from '../../generated/autobio/illustration/v1/illustration.js';
import { Illustrator } from '../domain/illustrator.js';
import { healthDefinition, ServingStatus } from './grpc-health.js';
import { GatewayGrpcServer } from './grpc-server.js';

const token = 'an-example-token-of-the-tests';
const service = 'autobio.illustration.v1.IllustrationService';

let whole: WholeApp;
let client: IllustrationServiceClient;
let raw: Client;

beforeAll(async () => {
  whole = await WholeApp.start({ AUTH_ENABLED: 'true', AUTH_TOKEN: token, LOG_LEVEL: 'silent' });
  client = whole.grpcClient();
  raw = new Client(whole.grpcAddress, credentials.createInsecure());
}, 30_000);
afterAll(async () => {
  client.close();
  raw.close();
  await whole.stop();
});

function bearer(value: string): Metadata {
  const metadata = new Metadata();
  metadata.set('authorization', value);
  return metadata;
}

function check(name: string): Promise<number> {
  const { path: method, requestSerialize, responseDeserialize } = healthDefinition.check;
  return answerOf((done) =>
    raw.makeUnaryRequest(method, requestSerialize, responseDeserialize, { service: name }, (error, reply) =>
      done(error, reply ?? 0),
    ),
  );
}

/** What reflection answers to `list_services` (field 7, empty), as text: the names stand in it as they are. */
async function reflect(metadata: Metadata, version: 'v1' | 'v1alpha'): Promise<string | ServiceError> {
  const answer = await askReflection(metadata, version, Buffer.from([0x3a, 0]));
  return Buffer.isBuffer(answer) ? answer.toString('latin1') : answer;
}

function askReflection(
  metadata: Metadata,
  version: 'v1' | 'v1alpha',
  question: Buffer,
): Promise<Buffer | ServiceError> {
  const method = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
  const same = (bytes: Buffer): Buffer => bytes;
  const call = raw.makeBidiStreamRequest(method, same, same, metadata);
  return new Promise((resolve) => {
    call.on('data', resolve);
    call.on('error', resolve);
    call.end(question);
  });
}

/** The bytes of the length-delimited fields with this number. */
function fieldsOf(message: Uint8Array, wanted: number): Uint8Array[] {
  const reader = new BinaryReader(message);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === wanted) found.push(reader.bytes());
    else reader.skip(wireType);
  }
  return found;
}

describe('with AUTH_ENABLED', () => {
  it.each([undefined, token, `Bearer ${token}x`, 'Bearer'])('refuses every method with %j', async (value) => {
    const metadata = value === undefined ? new Metadata() : bearer(value);
    const failures = [
      await failureOf((done) => client.getJob({ jobId: 'x' }, metadata, done)),
      await failureOf((done) => client.listJobs({}, metadata, done)),
      await failureOf((done) => client.cancelJob({ jobId: 'x' }, metadata, done)),
      (await toEnd(client.illustrate(aMemory(), metadata))).error,
    ];
    for (const failure of failures) {
      expect(failure?.code).toBe(grpcStatus.UNAUTHENTICATED);
      expect(failure && detailsOf(failure).reason).toBe('UNAUTHENTICATED');
    }
    expect(await reflect(metadata, 'v1')).toMatchObject({ code: grpcStatus.UNAUTHENTICATED });
  });

  it('lets the token in', async () => {
    const { jobs } = await answerOf<{ jobs: unknown[] }>((done) =>
      client.listJobs({}, bearer(`Bearer ${token}`), done),
    );
    expect(jobs).toEqual([]);
    const { error, ended } = await toEnd(client.illustrate(aMemory(), bearer(`bearer ${token}`)));
    expect(error).toBeUndefined();
    expect(ended?.illustrations).toHaveLength(1);
  });

  it.each(['v1', 'v1alpha'] as const)('describes itself to who may ask, by reflection %s', async (version) => {
    expect(await reflect(bearer(`Bearer ${token}`), version)).toContain(service);
  });

  it('gives descriptors that a client can build on: every file names and brings what it depends on', async () => {
    const symbol = Buffer.from(service);
    const question = Buffer.concat([Buffer.from([0x22, symbol.length]), symbol]); // file_containing_symbol
    const answer = await askReflection(bearer(`Bearer ${token}`), 'v1', question);
    if (!Buffer.isBuffer(answer)) throw answer;
    const [response] = fieldsOf(answer, 4); // file_descriptor_response
    const file = fieldsOf(response ?? new Uint8Array(), 1).map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
    const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: file.toReversed() }));
    expect(registry.getService(service)?.methods.map(({ name }) => name)).toContain('Illustrate');
    expect(registry.getMessage('google.protobuf.Timestamp')).toBeDefined();
  });
});

describe('health', () => {
  it.each(['', service])('of %j is readiness, without a credential', async (name) => {
    expect(await check(name)).toBe(ServingStatus.serving);
  });

  it('does not know other services', async () => {
    await expect(check('another.Service')).rejects.toMatchObject({ code: grpcStatus.NOT_FOUND });
  });

  it('is told to watchers when it changes, within 2 s', async () => {
    const { path: method, requestSerialize, responseDeserialize } = healthDefinition.watch;
    const watch = raw.makeServerStreamRequest(method, requestSerialize, responseDeserialize, { service: '' });
    watch.on('error', () => undefined);
    const next = (): Promise<number> => new Promise((resolve) => watch.once('data', resolve));
    expect(await next()).toBe(ServingStatus.serving);
    const illustrator = whole.app.get(Illustrator, { strict: false });
    const availability = illustrator.availability.bind(illustrator);
    illustrator.availability = () => ({ isReady: false, error: new DomainError('starting', 'The model is loading.') });
    const flippedAt = performance.now();
    expect(await next()).toBe(ServingStatus.notServing);
    expect(performance.now() - flippedAt).toBeLessThan(2000);
    const { error } = await toEnd(client.illustrate(aMemory(), bearer(`Bearer ${token}`)));
    expect(error?.code).toBe(grpcStatus.UNAVAILABLE);
    expect(error && detailsOf(error).reason).toBe('STARTING');
    illustrator.availability = availability;
    expect(await next()).toBe(ServingStatus.serving);
    watch.cancel();
  });
});

it('names the address it cannot listen on', async () => {
  const port = Number(whole.grpcAddress.split(':')[1]);
  const server = new GatewayGrpcServer({
    host: '127.0.0.1',
    port,
    interceptors: [],
    extend: () => undefined,
    beforeClose: () => undefined,
  });
  const failure: unknown = await server.createClient().catch((error: unknown) => error);
  const line = `cannot listen for gRPC on 127.0.0.1:${port}: the port is in use; set GRPC_HOST or GRPC_PORT`;
  expect(bootFailureLines(failure)).toEqual([line]);
});

it('shuts down with a watch and a job under way: the caller learns that the job goes on', async () => {
  const closing = await WholeApp.start({ SHUTDOWN_GRACE_SECONDS: '0' });
  const its = closing.grpcClient();
  const watcher = new Client(closing.grpcAddress, credentials.createInsecure());
  const { path: method, requestSerialize, responseDeserialize } = healthDefinition.watch;
  const watch = watcher.makeServerStreamRequest(method, requestSerialize, responseDeserialize, { service: '' });
  const watched: number[] = [];
  watch.on('data', (status: number) => watched.push(status));
  const watchEnded = new Promise((resolve) => {
    watch.once('end', resolve);
    watch.once('error', resolve);
  });
  closing.drawings.hold();
  const call = its.illustrate(aMemory());
  const told = toEnd(call);
  await new Promise((resolve) => call.once('data', resolve));
  const stopped = closing.app.close();
  const { error } = await told;
  expect(error?.code).toBe(grpcStatus.UNAVAILABLE);
  expect(error && detailsOf(error).reason).toBe('DRAINING');
  await stopped;
  await watchEnded;
  expect(watched.at(-1)).toBe(ServingStatus.notServing);
  its.close();
  watcher.close();
  await closing.stop();
}, 30_000);
