// What a caller may do to the connection itself: messages too large, streams too many, reading too slowly or never.
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { Client, credentials, status as grpcStatus } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import type { IllustrationServiceClient } from '../../apps/gateway/src/generated/autobio/illustration/v1/illustration.js';
import { aMemory, toEnd } from '../support/grpc-calls.js';
import { untilTrue } from '../support/until-true.js';
import { WholeApp } from '../support/whole-app.js';

// A machine that is busy with other things must not fail these.
vi.setConfig({ testTimeout: 20_000 });

let whole: WholeApp;
let client: IllustrationServiceClient;

beforeAll(async () => {
  whole = await WholeApp.start();
  client = whole.grpcClient();
}, 60_000);
afterAll(async () => {
  client.close();
  await whole.stop();
});

describe('a gRPC caller', () => {
  it('cannot send more than a REST body may have', async () => {
    const { error } = await toEnd(client.illustrate(aMemory({ prompt: 'x'.repeat(70_000) })));
    expect(error?.code).toBe(grpcStatus.RESOURCE_EXHAUSTED);
  });

  it('is told how many calls a connection may have', async () => {
    const session = connectHttp2(`http://${whole.grpcAddress}`);
    const settings = await new Promise<{ maxConcurrentStreams?: number }>((resolve, reject) => {
      session.once('remoteSettings', resolve);
      session.once('error', reject);
    });
    session.destroy();
    expect(settings.maxConcurrentStreams).toBe(256);
  });

  it('that sends what is no message is refused as malformed, and others go on', async () => {
    const raw = new Client(whole.grpcAddress, credentials.createInsecure());
    const same = (bytes: Buffer): Buffer => bytes;
    const path = '/autobio.illustration.v1.IllustrationService/GetJob';
    const code = await new Promise((resolve) => {
      raw.makeUnaryRequest(path, same, same, Buffer.from([0xff, 0xff, 0xff]), (error) => resolve(error?.code));
    });
    raw.close();
    expect(code).toBe(grpcStatus.INVALID_ARGUMENT);
    expect((await toEnd(client.illustrate(aMemory()))).error).toBeUndefined();
  });

  it('that speaks no HTTP/2 is cut off, and others go on', async () => {
    const [host = '', port = ''] = whole.grpcAddress.split(':');
    const socket = connect(Number(port), host);
    socket.on('error', () => undefined).resume();
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(100));
    await closed;
    expect((await toEnd(client.illustrate(aMemory()))).error).toBeUndefined();
  });
});

describe('a reader of events that reads nothing', () => {
  it('costs a buffer and no more: the job goes on without it', async () => {
    whole.drawings.hold();
    const id = await whole.accept({ preview_every: 1 });
    const { hostname, port } = new URL(whole.url);
    const sockets = Array.from({ length: 20 }, () => {
      const socket = connect(Number(port), hostname);
      socket.pause();
      socket.write(`GET /v1/jobs/${id}/events HTTP/1.1\r\nHost: x\r\n\r\n`);
      return socket;
    });
    whole.drawings.release();
    await untilTrue('the job has ended', 10_000, async () => (await whole.job(id)).state === 'succeeded');
    sockets.forEach((socket) => socket.destroy());
    expect((await fetch(`${whole.url}/health/ready`)).status).toBe(200);
  });
});
