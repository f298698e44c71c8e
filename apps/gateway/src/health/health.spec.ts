// What load balancers and the AutoBio backend read on the health pages.
import request from 'supertest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { type CoreApp, startCoreApp } from '../../../../test/support/core-app.js';
import { DomainError } from '../errors/domain-error.js';

let core: CoreApp;

beforeEach(async () => {
  core = await startCoreApp();
});
afterEach(() => core.app.close());

const get = (path: string) => request(core.app.getHttpServer()).get(path).redirects(0);

const loading = { isReady: false, error: new DomainError('starting', 'The model is being loaded.') } as const;

describe('GET /health', () => {
  it.each(['/health', '/health/'])('says healthy at %s, byte for byte', async (path) => {
    const reply = await get(path);
    expect(reply.status).toBe(200);
    expect(reply.text).toBe('{"status":"healthy","message":"Image generation service is ready"}');
    expect(reply.headers['content-type']).toMatch(/^application\/json/);
    expect(reply.headers['cache-control']).toBe('no-store');
    expect(reply.headers).not.toHaveProperty('retry-after');
  });

  it('says why a generation cannot start, and recovers', async () => {
    core.illustrator.now = loading;
    const reply = await get('/health/');
    expect(reply.status).toBe(503);
    expect(reply.body).toEqual({ status: 'unhealthy', message: 'The model is being loaded.' });
    expect(reply.headers['cache-control']).toBe('no-store');
    core.illustrator.now = { isReady: true };
    expect((await get('/health')).status).toBe(200);
  });

  it.each(['/health', '/health/ready'])('says at %s when to ask again, as far as that is known', async (path) => {
    core.illustrator.now = loading;
    expect((await get(path)).headers['retry-after']).toBe('5');
    const error = new DomainError('starting', 'About 35 s left.', { retryAfterSeconds: 34.2 });
    core.illustrator.now = { isReady: false, error };
    expect((await get(path)).headers['retry-after']).toBe('35');
  });

  it('is unhealthy without the object store, and does not show its error', async () => {
    core.store.check = () => Promise.reject(new Error('connect ECONNREFUSED 10.0.0.7:9000'));
    const reply = await get('/health');
    expect(reply.status).toBe(503);
    expect(reply.body).toEqual({ status: 'unhealthy', message: 'The object store does not answer.' });
    expect((await get('/health/ready')).status).toBe(200);
  });

  it('is unhealthy and not ready without the database, and does not show its error', async () => {
    core.database.query = () => Promise.reject(new Error('connect ECONNREFUSED 10.0.0.7:5432'));
    const reply = await get('/health');
    expect(reply.status).toBe(503);
    expect(reply.body).toEqual({ status: 'unhealthy', message: 'The database does not answer.' });
    expect(reply.headers['retry-after']).toBe('5');
    const ready = await get('/health/ready');
    expect(ready.status).toBe(503);
    expect(ready.body).toMatchObject({ details: { database: { status: 'down' } } });
    expect(ready.text).not.toContain('10.0.0.7');
    expect((await get('/health/live')).status).toBe(200);
  });

  it('does not wait for a database that never answers', async () => {
    core.database.query = () => new Promise(() => {});
    const startedMs = performance.now();
    expect((await get('/health/ready')).status).toBe(503);
    expect(performance.now() - startedMs).toBeLessThan(2000);
  });

  it('does not wait for an object store that never answers', async () => {
    core.store.check = () => new Promise(() => {});
    const startedMs = performance.now();
    expect((await get('/health')).status).toBe(503);
    expect(performance.now() - startedMs).toBeLessThan(2000);
  });

  it('asks the object store once for many probes', async () => {
    await Promise.all([get('/health'), get('/health'), get('/health/')]);
    expect(core.store.checks).toBe(1);
  });
});

describe('the probes', () => {
  it('has /health/ready follow the illustrator', async () => {
    expect((await get('/health/ready')).body).toMatchObject({
      status: 'ok',
      details: { illustrator: { status: 'up' } },
    });
    core.illustrator.now = loading;
    const reply = await get('/health/ready');
    expect(reply.status).toBe(503);
    expect(reply.body).toMatchObject({
      status: 'error',
      details: { lifecycle: { status: 'up' }, illustrator: { status: 'down', message: 'The model is being loaded.' } },
    });
  });

  it.each(['/health/live', '/health/startup'])('keeps %s up whatever the worker does', async (path) => {
    core.illustrator.now = loading;
    const reply = await get(path);
    expect(reply.status).toBe(200);
    expect(reply.body).toEqual({ status: 'ok' });
  });
});

it('names the service at /', async () => {
  const reply = await get('/');
  expect(reply.status).toBe(200);
  expect(reply.body).toEqual({
    service: 'autobio-illustration',
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    docs: '/docs',
    health: '/health',
  });
});
