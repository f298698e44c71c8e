// Who is let in when the service asks for its token.
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type CoreApp, startCoreApp } from '../../../../test/support/core-app.js';

const token = 'an-example-token-of-the-tests';

let core: CoreApp;

beforeAll(async () => {
  core = await startCoreApp({ AUTH_ENABLED: 'true', AUTH_TOKEN: token });
});
afterAll(() => core.app.close());

const client = () => request(core.app.getHttpServer());

describe('with AUTH_ENABLED', () => {
  it.each(['/', '/health', '/health/', '/health/live', '/health/ready', '/health/startup'])(
    'answers %s without a credential',
    async (path) => {
      expect((await client().get(path)).status).toBe(200);
    },
  );

  it.each(['/docs', '/docs/swagger-ui.css', '/openapi.json', '/v1/fail/not-found', '/images/x.png', '/nothing'])(
    'refuses %s without one',
    async (path) => {
      const reply = await client().get(path);
      expect(reply.status).toBe(401);
      expect(reply.headers['www-authenticate']).toBe('Bearer');
      expect(reply.body).toMatchObject({ error: 'unauthenticated' });
    },
  );

  it.each([
    undefined,
    '',
    token,
    'Bearer',
    'Bearer ',
    `Bearer ${token}x`,
    `Bearer ${token.slice(1)}`,
    `Bearer ${token} ${token}`,
    `Basic ${token}`,
  ])('refuses the header %j', async (header) => {
    const call = client().post('/v1/echo').send({ user_id: 'u' });
    const reply = await (header === undefined ? call : call.set('Authorization', header));
    expect(reply.status).toBe(401);
  });

  it.each([`Bearer ${token}`, `bearer ${token}`, `Bearer  ${token}`])('accepts %j', async (header) => {
    const reply = await client().post('/v1/echo').set('Authorization', header).send({ user_id: 'u' });
    expect(reply.status).toBe(201);
  });

  it('does not read the body of a stranger', async () => {
    const reply = await client().post('/v1/echo').set('Content-Type', 'application/json').send('{no json');
    expect(reply.status).toBe(401);
  });

  it('tells an unknown address only to whom it knows', async () => {
    const reply = await client().get('/nothing').set('Authorization', `Bearer ${token}`);
    expect(reply.status).toBe(404);
  });

  it('logs neither token nor header', async () => {
    const reply = await client().get('/nothing').set('Authorization', `Bearer ${token}`);
    const lines = JSON.stringify(core.logLines());
    expect(lines).toContain(reply.headers['x-request-id']);
    expect(lines).not.toContain(token);
  });
});

it('lets everybody in without AUTH_ENABLED', async () => {
  const open = await startCoreApp({ AUTH_TOKEN: token });
  const reply = await request(open.app.getHttpServer()).post('/v1/echo').send({ user_id: 'u' });
  expect(reply.status).toBe(201);
  await open.app.close();
});
