// What a caller is told whose request the HTTP parser cannot read, or waits for in vain; on a server of its own, in a hurry.
import type { Server } from 'node:http';
import { connect, type Socket } from 'node:net';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { GatewayHttpAdapter } from './http-adapter.js';
import { listen } from './listen.js';

let server: Server;
let port: number;
const sockets: Socket[] = [];

beforeAll(async () => {
  const adapter = new GatewayHttpAdapter();
  adapter.initHttpServer();
  server = adapter.getHttpServer();
  Object.assign(server, { headersTimeout: 300, requestTimeout: 300 });
  adapter.use('/begun', (_request: unknown, response: { write: (text: string) => void }) => response.write('begun'));
  adapter.use('/read', () => undefined);
  adapter.use('/done', (_request: unknown, response: { end: (text: string) => void }) => response.end('done'));
  port = await listen(server, { host: '127.0.0.1', port: 0 });
}, 20_000);
afterAll(() => {
  sockets.forEach((socket) => socket.destroy());
  server.closeAllConnections();
  server.close();
});

/** Sends the beginning of something and no more, and never closes its own side. */
function begin(message: string): Promise<{ reply: string; seconds: number }> {
  const startedMs = performance.now();
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  sockets.push(socket);
  let reply = '';
  socket.on('data', (chunk) => (reply += chunk.toString()));
  socket.on('error', () => undefined);
  socket.write(message);
  // An end is the answer's; only the close that follows says that the connection is gone.
  const drip = setInterval(() => socket.write('x'), 200);
  return new Promise((resolve) =>
    socket.once('close', () => {
      clearInterval(drip);
      resolve({ reply, seconds: (performance.now() - startedMs) / 1000 });
    }),
  );
}

function problemOf(reply: string): unknown {
  return JSON.parse(reply.slice(reply.lastIndexOf('\r\n\r\n')));
}

describe('a request that cannot be read', { timeout: 20_000 }, () => {
  it.each([
    ['a header that does not end', 'GET /read HTTP/1.1\r\nHost: x\r\n', ''],
    ['a body that does not end', 'POST /read?token=x HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n{', '/read'],
    ['a second request that does not end', 'GET /done HTTP/1.1\r\nHost: x\r\n\r\nGET /re', ''],
  ])('is told so and cut off: %s', async (_what, message, instance) => {
    const { reply, seconds } = await begin(message);
    expect(reply).toMatch(/HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(reply).toContain('Content-Type: application/problem+json\r\n');
    expect(reply).toContain('Connection: close\r\n');
    expect(problemOf(reply)).toMatchObject({ status: 408, error: 'request-timeout', retryable: true, instance });
    expect(seconds).toBeLessThan(10);
  });

  it('gets no second answer into the one that is on its way', async () => {
    const { reply } = await begin('POST /begun HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n{');
    expect(reply).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(reply).not.toContain('408');
  });

  it.each([
    ['no HTTP', 'hello\r\n\r\n', 400, 'malformed-request'],
    [
      'a header of 20 kB',
      `GET / HTTP/1.1\r\nHost: x\r\nX-Large: ${'x'.repeat(20_000)}\r\n\r\n`,
      431,
      'headers-too-large',
    ],
  ])('is told so at once: %s', async (_what, message, status, error) => {
    const { reply, seconds } = await begin(message);
    expect(problemOf(reply)).toMatchObject({ status, error });
    expect(seconds).toBeLessThan(5);
  });
});
