// The log lines of requests. One application in this file: nestjs-pino keeps one root logger per process.
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type CoreApp, eventually, startCoreApp } from '../../../../test/support/core-app.js';
import { currentRequest, runInRequest } from './request-context.js';

let core: CoreApp;

beforeAll(async () => {
  core = await startCoreApp();
});
afterAll(() => core.app.close());

async function linesOf(requestId: string): Promise<Record<string, unknown>[]> {
  const lines = () => core.logLines().filter((line) => line['request_id'] === requestId);
  await eventually(() => lines().some((line) => String(line['msg']).startsWith('request ')));
  return lines();
}

describe('log lines', () => {
  it('carry the request id wherever they are written, and none of the body', async () => {
    await request(core.app.getHttpServer())
      .post('/v1/echo?token=sesame')
      .set('X-Request-Id', 'r-1')
      .set('Authorization', 'Bearer sesame')
      .send({ user_id: 'sesame' });
    const lines = await linesOf('r-1');
    expect(lines).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        service: 'gateway',
        request_id: 'r-1',
        tenant: 'default',
        context: 'trial',
        msg: 'echoing',
      },
      {
        level: 'info',
        time: expect.any(String),
        service: 'gateway',
        request_id: 'r-1',
        tenant: 'default',
        context: 'http',
        method: 'POST',
        path: '/v1/echo',
        status: 201,
        duration_ms: expect.any(Number),
        msg: 'request completed',
      },
    ]);
  });

  it('tell of probes only at debug', async () => {
    await request(core.app.getHttpServer()).get('/health').set('X-Request-Id', 'r-2');
    expect(await linesOf('r-2')).toMatchObject([{ level: 'debug', path: '/health', status: 200 }]);
  });

  it('tell of a caller that left', async () => {
    const leaving = request(core.app.getHttpServer()).post('/v1/wait/leaver').set('X-Request-Id', 'r-3');
    leaving.end(() => {});
    await eventually(() => core.trial.isWaiting('leaver'));
    leaving.abort();
    expect(await linesOf('r-3')).toMatchObject([{ msg: 'request aborted', path: '/v1/wait/leaver' }]);
    core.trial.release('leaver');
  });
});

it('knows the job once somebody has told it', async () => {
  const jobId = await runInRequest({ requestId: 'r-4' }, async () => {
    const context = currentRequest();
    if (context !== undefined) {
      context.jobId = 'j-4';
    }
    await Promise.resolve();
    return currentRequest()?.jobId;
  });
  expect(jobId).toBe('j-4');
  expect(currentRequest()).toBeUndefined();
});
