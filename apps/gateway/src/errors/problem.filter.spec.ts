// Every failure a route can have, as its caller sees it.
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type CoreApp, startCoreApp } from '../../../../test/support/core-app.js';
import { catalogue } from './catalogue.js';
import { isReason } from './reason-names.js';

let core: CoreApp;

beforeAll(async () => {
  core = await startCoreApp();
});
afterAll(() => core.app.close());

const fail = (reason: string) => request(core.app.getHttpServer()).get(`/v1/fail/${reason}?q=1`);

describe('ProblemFilter', () => {
  it.each(Object.keys(catalogue).filter(isReason))('answers %s as catalogued', async (reason) => {
    const reply = await fail(reason);
    const { httpStatus, title, isRetryable, retryAfterSeconds } = catalogue[reason];
    expect(reply.status).toBe(httpStatus);
    expect(reply.headers['content-type']).toBe('application/problem+json');
    expect(reply.headers['retry-after']).toBe(retryAfterSeconds?.toString());
    expect(reply.headers['www-authenticate']).toBe(httpStatus === 401 ? 'Bearer' : undefined);
    expect(reply.body).toEqual({
      type: `https://autobio.example/problems/${reason}`,
      title,
      status: httpStatus,
      detail: `because of ${reason}`,
      instance: `/v1/fail/${reason}`,
      error: reason,
      request_id: reply.headers['x-request-id'],
      retryable: isRetryable,
    });
  });

  it('keeps the text of an unknown failure for the log', async () => {
    const reply = await fail('unexpected');
    expect(reply.status).toBe(500);
    expect(reply.body).toMatchObject({ error: 'internal', retryable: false });
    expect(reply.text).not.toContain('secret');
    const line = core.logLines().find((candidate) => candidate['request_id'] === reply.headers['x-request-id']);
    expect(line).toMatchObject({
      level: 'error',
      msg: 'request failed',
      reason: 'internal',
      error: { message: 'a secret text', stack: expect.stringContaining('core-app.ts') },
    });
  });

  it("does not pass the framework's texts on", async () => {
    const reply = await fail('nest');
    expect(reply.status).toBe(404);
    expect(reply.body.detail).toBe('There is nothing under this address.');
  });
});
