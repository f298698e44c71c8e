// What every HTTP request goes through, seen from outside.
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type CoreApp, startCoreApp } from '../../../../test/support/core-app.js';
import { facts } from '../../../../scripts/deploy/service-facts.mjs';
import { serverLimits } from './http-adapter.js';
import { listen } from './listen.js';

let core: CoreApp;
let port: number;

beforeAll(async () => {
  core = await startCoreApp();
  port = await listen(core.app.getHttpServer(), { host: '127.0.0.1', port: 0 });
});
afterAll(() => core.app.close());

const client = () => request(core.app.getHttpServer());

const postJson = (body: string | Buffer, type = 'application/json') =>
  client().post('/v1/echo').set('Content-Type', type).serialize(String).send(body);

describe('reading a body', () => {
  it('gives the route its DTO, null being absent', async () => {
    const reply = await client().post('/v1/echo').send({ user_id: 'u', steps: null });
    expect(reply.status).toBe(201);
    expect(reply.body).toEqual({ user_id: 'u' });
  });

  it.each([
    ['no JSON', '{"user_id": "u"', 400, 'malformed-request'],
    ['a second key', '{"user_id": "u", "user\\u005fid": "v"}', 400, 'malformed-request'],
    ['a nested second key', '{"user_id": {"a": [{"b": 1, "b": 2}]}}', 400, 'malformed-request'],
    ['an array', '[{"user_id": "u"}]', 422, 'validation-failed'],
    ['null', 'null', 422, 'validation-failed'],
    ['a string', '"u"', 422, 'validation-failed'],
    ['an unknown field', '{"user_id": "u", "colour": 1}', 422, 'validation-failed'],
    ['a field called __proto__', '{"user_id": "u", "__proto__": {}}', 422, 'validation-failed'],
    ['a field called constructor', '{"user_id": "u", "constructor": null}', 422, 'validation-failed'],
    ['a null where a value is needed', '{"user_id": null}', 422, 'validation-failed'],
    ['more than 64 kB', JSON.stringify({ user_id: 'u'.repeat(70_000) }), 413, 'payload-too-large'],
  ])('refuses %s', async (_what, body, status, error) => {
    const reply = await postJson(body);
    expect(reply.type).toBe('application/problem+json');
    expect(reply.body).toMatchObject({ status, error, instance: '/v1/echo', retryable: false });
    expect(reply.status).toBe(status);
  });

  it('accepts equal keys in different objects, and keys inside of strings', async () => {
    const reply = await postJson('{"user_id": "{\\"a\\":1,\\"a\\":1}", "steps": 3}');
    expect(reply.body).toEqual({ user_id: '{"a":1,"a":1}', steps: 3 });
  });

  it('refuses bytes that are not UTF-8', async () => {
    const bytes = Buffer.concat([Buffer.from('{"user_id": "'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]);
    const reply = await fetch(`http://127.0.0.1:${port}/v1/echo`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: bytes,
    });
    expect(reply.status).toBe(400);
    expect(await reply.json()).toMatchObject({ error: 'malformed-request' });
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=utf-16', 'application/jsonx'])(
    'refuses %s',
    async (type) => {
      const reply = await postJson('{"user_id": "u"}', type);
      expect(reply.status).toBe(415);
      expect(reply.body).toMatchObject({ error: 'unsupported-media-type' });
    },
  );

  it('refuses an encoding it does not know', async () => {
    const reply = await postJson('{"user_id": "u"}').set('Content-Encoding', 'zork');
    expect(reply.status).toBe(415);
  });

  it('says which fields are missing when there is no body', async () => {
    const reply = await client().post('/v1/echo');
    expect(reply.status).toBe(422);
    expect(reply.body.errors).toEqual([{ pointer: '/user_id', detail: 'user_id must be a string' }]);
  });

  it('never repeats the body in an error', async () => {
    const reply = await postJson('{"prompt": sesame}');
    expect(reply.text).not.toContain('sesame');
    const lines = JSON.stringify(core.logLines());
    expect(lines).toContain(reply.headers['x-request-id']);
    expect(lines).not.toContain('sesame');
  });
});

describe('addresses', () => {
  it.each(['/nothing', '/v1', '/images/x.png', '/v1/echo/more'])('does not know %s', async (path) => {
    const reply = await client().post(path).set('Content-Type', 'text/plain').send('x');
    expect(reply.status).toBe(404);
    expect(reply.body).toMatchObject({ error: 'not-found', instance: path });
  });

  it.each([
    ['GET', '/v1/echo', 'POST'],
    ['DELETE', '/v1/echo/', 'POST'],
    ['POST', '/health', 'GET, HEAD'],
    ['PUT', '/', 'GET, HEAD'],
    ['OPTIONS', '/v1/fail/internal', 'GET, HEAD'],
  ])('answers %s %s with the methods it has', async (method, path, allow) => {
    const reply = await fetch(`http://127.0.0.1:${port}${path}`, { method });
    expect(reply.status).toBe(405);
    expect(reply.headers.get('allow')).toBe(allow);
    expect(await reply.json()).toMatchObject({ error: 'method-not-allowed' });
  });

  it('takes a path that cannot be decoded for a malformed request', async () => {
    const reply = await client().get('/v1/fail/%FF');
    expect(reply.status).toBe(400);
    expect(reply.body).toMatchObject({ error: 'malformed-request' });
  });

  it('leaves the body of a HEAD reply out, problems included', async () => {
    const reply = await client().head('/nothing');
    expect(reply.status).toBe(404);
    expect(reply.type).toBe('application/problem+json');
    expect(reply.text).toBeUndefined();
  });
});

describe('headers', () => {
  it("keeps a sane request id of the caller's, in header and problem", async () => {
    const reply = await client().get('/nothing').set('X-Request-Id', 'abc-1.2_3');
    expect(reply.headers['x-request-id']).toBe('abc-1.2_3');
    expect(reply.body.request_id).toBe('abc-1.2_3');
  });

  it.each(['with space', 'x'.repeat(129), 'semi;colon'])('replaces the request id %j', async (id) => {
    const reply = await client().get('/').set('X-Request-Id', id);
    expect(reply.headers['x-request-id']).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/);
  });

  it('allows no other origin, names no framework and forbids sniffing', async () => {
    const reply = await client().get('/health').set('Origin', 'https://evil.example');
    expect(reply.headers).not.toHaveProperty('access-control-allow-origin');
    expect(reply.headers).not.toHaveProperty('x-powered-by');
    expect(reply.headers['x-content-type-options']).toBe('nosniff');
    expect(reply.headers['content-security-policy']).toContain("default-src 'none'");
  });

  it('answers headers that are too large, and what is no HTTP, with problems', async () => {
    const large = await rawReply(`GET / HTTP/1.1\r\nHost: x\r\nX-Large: ${'x'.repeat(20_000)}\r\n\r\n`);
    expect(large).toMatch(/^HTTP\/1\.1 431 Request Header Fields Too Large\r\n/);
    expect(problemOf(large)).toMatchObject({ status: 431, error: 'headers-too-large' });
    const noise = await rawReply('hello\r\n\r\n');
    expect(noise).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(problemOf(noise)).toMatchObject({ status: 400, error: 'malformed-request' });
  });
});

it('limits slow callers and outlives the idle time of load balancers', () => {
  expect(core.app.getHttpServer()).toMatchObject(serverLimits);
  expect(serverLimits.keepAliveTimeout).toBe(facts.seconds.gateway_keep_alive * 1000);
  expect(serverLimits.keepAliveTimeout).toBeGreaterThan(facts.seconds.load_balancer_idle_timeout * 1000);
});

function rawReply(message: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(message);
  return text(socket);
}

function problemOf(reply: string): unknown {
  return JSON.parse(reply.slice(reply.indexOf('\r\n\r\n') + 4));
}
