// What callers see while the service shuts down.
import request from 'supertest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { type CoreApp, eventually, startCoreApp } from '../../../../test/support/core-app.js';
import { Drain } from './drain.js';
import { listen } from './listen.js';

let core: CoreApp;
let url: string;

async function start(env: Record<string, string>): Promise<void> {
  core = await startCoreApp(env);
  url = `http://127.0.0.1:${await listen(core.app.getHttpServer(), { host: '127.0.0.1', port: 0 })}`;
}

async function startWork(name: string): Promise<{ reply: Promise<Response> }> {
  const reply = fetch(`${url}/v1/wait/${name}`, { method: 'POST' });
  // Whoever does not look at the reply does not care that it was cut off.
  reply.catch(() => {});
  await eventually(() => core.trial.isWaiting(name));
  return { reply };
}

describe('closing the application', () => {
  beforeEach(() => start({}));
  afterEach(() => core.app.close());

  it('fails readiness and refuses work at once, and lets the work in flight finish', async () => {
    const { reply } = await startWork('first');
    const closed = core.app.close();
    await eventually(() => core.app.get(Drain).isDraining);

    const health = await fetch(`${url}/health`);
    expect(health.status).toBe(503);
    expect(health.headers.get('connection')).toBe('close');
    expect(await health.json()).toEqual({ status: 'unhealthy', message: 'The service is shutting down.' });
    expect((await fetch(`${url}/health/ready`)).status).toBe(503);
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    const refused = await request(url).post('/v1/echo').send({ user_id: 'u' });
    expect(refused.status).toBe(503);
    expect(refused.headers['retry-after']).toBe('5');
    expect(refused.body).toMatchObject({ error: 'draining', retryable: true });

    core.trial.release('first');
    expect(await (await reply).json()).toEqual({ done: 'first' });
    await closed;
    await expect(fetch(`${url}/health/live`)).rejects.toThrow('fetch failed');
  });

  it('does not wait for idle connections', async () => {
    await (await fetch(`${url}/health/live`)).text();
    await core.app.close();
    expect(core.app.getHttpServer().listening).toBe(false);
  });
});

it('answers new connections for the delay, although nothing is in flight', async () => {
  await start({ SHUTDOWN_DELAY_SECONDS: '1' });
  const begunMs = performance.now();
  const closed = core.app.close();
  const answers: number[] = [];
  while (performance.now() - begunMs < 800) {
    const reply = await fetch(`${url}/v1/echo`, { method: 'POST', body: '{}' });
    answers.push(reply.status);
    await reply.text();
  }
  await closed;
  expect(new Set(answers)).toEqual(new Set([503]));
  expect(performance.now() - begunMs).toBeGreaterThan(950);
});

it('cuts off what outlasts the grace time', async () => {
  await start({ SHUTDOWN_GRACE_SECONDS: '0' });
  const { reply } = await startWork('endless');
  await core.app.close();
  await expect(reply).rejects.toThrow('fetch failed');
});
