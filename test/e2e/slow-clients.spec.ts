// Callers that send a header or a body one byte at a time are cut off in bounded time, while others are served.
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RunningService } from '../support/running-service.js';

let service: RunningService;

beforeAll(async () => {
  service = await RunningService.start({ ENGINE: 'fake' });
});
afterAll(() => service?.stop());

/** Sends the beginning, then a byte a second for ever. Resolves with the seconds until the service ends it, and what it said. */
function drip(beginning: string): Promise<{ seconds: number; reply: string }> {
  const { hostname, port } = new URL(service.url);
  const startedMs = performance.now();
  const socket = connect(Number(port), hostname);
  let reply = '';
  socket.write(beginning);
  const timer = setInterval(() => socket.write('x'), 1000);
  socket.on('data', (chunk) => (reply += chunk.toString()));
  socket.on('error', () => undefined);
  return new Promise((resolve) => {
    socket.once('close', () => {
      clearInterval(timer);
      resolve({ seconds: (performance.now() - startedMs) / 1000, reply });
    });
  });
}

it('ends a slow header and a slow body, and serves others meanwhile', async () => {
  const head = 'POST /v1/images/memory HTTP/1.1\r\nHost: x\r\n';
  const slow = [
    ...Array.from({ length: 50 }, () => drip(`${head}X-Slow: `)),
    ...Array.from({ length: 50 }, () => drip(`${head}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{`)),
  ];
  for (let number = 0; number < 5; number += 1) {
    const startedMs = performance.now();
    expect((await fetch(`${service.url}/health/live`)).status).toBe(200);
    expect(performance.now() - startedMs).toBeLessThan(1000);
  }
  for (const { seconds, reply } of await Promise.all(slow)) {
    expect(seconds).toBeLessThan(20);
    expect(reply).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(reply).toContain('Content-Type: application/problem+json\r\n');
    expect(reply).toContain('Connection: close\r\n');
    expect(JSON.parse(reply.slice(reply.indexOf('\r\n\r\n')))).toMatchObject({ status: 408, error: 'request-timeout' });
  }
}, 40_000);
