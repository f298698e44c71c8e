// What a caller may expect of a request whose body it has not sent yet.
import { request, type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { text } from 'node:stream/consumers';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type CoreApp, startCoreApp } from '../../../../test/support/core-app.js';
import { listen } from './listen.js';

let core: CoreApp;
let port: number;

beforeAll(async () => {
  core = await startCoreApp();
  port = await listen(core.app.getHttpServer(), { host: '127.0.0.1', port: 0 });
}, 20_000);
afterAll(() => core.app.close());

const body = '{"user_id": "u"}';

/** Sends the head, and the body only when it is asked for. */
async function sendCarefully(options: RequestOptions): Promise<{ wasAsked: boolean; status: number; text: string }> {
  let wasAsked = false;
  const sending = request({ host: '127.0.0.1', port, method: 'POST', path: '/v1/echo', ...options });
  sending.once('continue', () => {
    wasAsked = true;
    sending.end(body);
  });
  sending.flushHeaders();
  const reply = await replyTo(sending);
  const told = await text(reply);
  sending.destroy();
  return { wasAsked, status: reply.statusCode ?? 0, text: told };
}

function replyTo(sending: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => sending.once('response', resolve).once('error', reject));
}

const expecting = (headers: Record<string, string | number>) => ({
  headers: { 'content-type': 'application/json', 'content-length': body.length, expect: '100-continue', ...headers },
});

describe('a caller who waits before it sends its body', () => {
  it('is asked for it', async () => {
    expect(await sendCarefully(expecting({}))).toEqual({ wasAsked: true, status: 201, text: '{"user_id":"u"}' });
  });

  it.each([
    ['more than 64 kB', expecting({ 'content-length': 70_000 }), 413],
    ['another type', expecting({ 'content-type': 'text/plain' }), 415],
    ['an address that is not there', { ...expecting({}), path: '/v1/nothing' }, 404],
  ])('is refused without it: %s', async (_what, options, status) => {
    const reply = await sendCarefully(options);
    expect(reply).toMatchObject({ wasAsked: false, status });
    expect(JSON.parse(reply.text)).toMatchObject({ status });
  });
});

it('ignores an expectation that it does not know', async () => {
  const headers = { 'content-type': 'application/json', expect: '200-maybe' };
  const sending = request({ host: '127.0.0.1', port, method: 'POST', path: '/v1/echo', headers });
  sending.end(body);
  const reply = await replyTo(sending);
  reply.resume();
  expect(reply.statusCode).toBe(201);
});
