import { createServer, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';

import express, { type Response } from 'express';
import { afterEach, expect, it } from 'vitest';

import { eventually } from '../../../../../test/support/core-app.js';
import { SseStream, type SseTiming } from './sse-stream.js';

let server: Server | undefined;
let socket: Socket | undefined;

afterEach(async () => {
  socket?.destroy();
  server?.closeAllConnections();
  server?.close();
});

/** A stream on the server's side, and the socket of its reader. */
async function open(timing: SseTiming): Promise<{ stream: SseStream; response: Response; reader: Socket }> {
  const app = express();
  server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const arrived = new Promise<Response>((resolve) => {
    app.get('/', (_, response) => resolve(response));
  });
  const address = server.address();
  const reader = connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1');
  socket = reader;
  reader.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  const response = await arrived;
  return { stream: new SseStream(response, timing), response, reader };
}

const patient = { pingEveryMs: 60_000, stalledAfterMs: 60_000 };

it('writes an event as three lines and an empty one', async () => {
  const { stream, reader } = await open(patient);
  let text = '';
  reader.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await stream.send({ event: 'progress', id: 3, data: { text: 'a\nb' } });
  stream.end(1000);
  await eventually(() => text.endsWith('0\r\n\r\n'));
  expect(text).toContain('event: progress\nid: 3\ndata: {"text":"a\\nb"}\n\n');
  expect(text).toContain('retry: 1000\n\n');
  expect(stream.signal.aborted).toBe(true);
});

it('pings a silent reader', async () => {
  const { stream, reader } = await open({ ...patient, pingEveryMs: 10 });
  let text = '';
  reader.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await eventually(() => text.split(': ping\n\n').length > 3);
  stream.end();
  expect(stream.signal.aborted).toBe(true);
});

it('waits for a slow reader, keeps one event for it at most, and cuts it off when it takes nothing', async () => {
  const { stream, response, reader } = await open({ pingEveryMs: 5, stalledAfterMs: 300 });
  reader.pause();
  const filler = 'x'.repeat(64 * 1024);
  let sent = 0;
  while (!stream.signal.aborted) {
    await stream.send({ event: 'progress', id: (sent += 1), data: { filler } });
    expect(response.writableLength).toBeLessThan(2 * filler.length);
  }
  // The kernel's buffers took some megabytes; the rest was never written.
  expect(sent).toBeLessThan(1000);
  expect(response.destroyed).toBe(true);
});

it('goes on with a slow reader that reads again', async () => {
  const { stream, reader } = await open(patient);
  reader.pause();
  const filler = 'x'.repeat(64 * 1024);
  let sent = 0;
  let isStuck = false;
  while (!isStuck) {
    const sending = stream.send({ event: 'progress', id: (sent += 1), data: { filler } });
    isStuck = await Promise.race([
      sending.then(() => false),
      new Promise<boolean>((resolve) => setTimeout(resolve, 200, true)),
    ]);
  }
  let received = 0;
  reader.on('data', (chunk: Buffer) => (received += chunk.length));
  reader.resume();
  await stream.send({ event: 'succeeded', id: sent + 1, data: {} });
  stream.end();
  await eventually(() => received > sent * filler.length);
  expect(stream.signal.aborted).toBe(true);
});
