// What callers see when a caller leaves, the worker dies or the gateway is told to stop.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { portrait } from '../support/avatars.js';
import { RunningService, until } from '../support/running-service.js';

const longRequest = { user_id: 'ada', prompt: 'A long evening', num_inference_steps: 150 };

describe('a running service', () => {
  let service: RunningService;
  const workerLine = (requestId: string, msg: string) =>
    service.logLines().find((line) => line.service === 'worker' && line.request_id === requestId && line.msg === msg);

  beforeAll(async () => {
    service = await RunningService.start();
    service.putObject('avatars/ada.png', portrait);
  });
  afterAll(() => service?.stop());

  it('stops drawing within a step when the caller hangs up, and stores nothing', async () => {
    const leaving = new AbortController();
    const pending = service
      .post('/v1/images/memory', longRequest, { signal: leaving.signal, headers: { 'x-request-id': 'leaver' } })
      .catch((error: Error) => error.name);
    await until('the drawing has started', () => workerLine('leaver', 'job started'));
    leaving.abort();
    expect(await pending).toBe('AbortError');

    const end = await until('the worker reports the end of the job', () => workerLine('leaver', 'call ended early'));
    expect(Number(end.steps_done)).toBeLessThan(longRequest.num_inference_steps);
    expect(service.objectKeys('generated')).toEqual([]);
  });

  it('draws on after the worker died, and answers 503 with Retry-After to who comes meanwhile', async () => {
    const pending = service.post(
      '/v1/images/memory',
      { ...longRequest, num_inference_steps: 60 },
      { headers: { 'x-request-id': 'survivor' } },
    );
    await until('the drawing has started', () => workerLine('survivor', 'job started'));
    process.kill(service.workerPid, 'SIGKILL');
    await until('the health page says so', async () => (await fetch(`${service.url}/health/`)).status === 503);

    const refused = await service.post('/v1/images/memory', { ...longRequest, num_inference_steps: 2 });
    expect(await refused.json()).toMatchObject({
      status: 503,
      error: expect.stringMatching(/^(worker-unavailable|starting)$/),
    });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);

    const survivor = await pending;
    expect(survivor.status).toBe(200);
    const { job_id: jobId } = (await survivor.json()) as { job_id: string };
    const job = await (await fetch(`${service.url}/v1/jobs/${jobId}`)).json();
    expect(job).toMatchObject({ state: 'succeeded', attempt: 2, receipt: { adopted: false } });
    expect(service.objectKeys('generated')).toHaveLength(1);
    expect((await fetch(`${service.url}/health`)).status).toBe(200);
  });
});

describe('SIGTERM with work in flight', () => {
  it('lets the request finish, then exits 0', async () => {
    const service = await RunningService.start();
    service.putObject('avatars/ada.png', portrait);
    const pending = service.post(
      '/v1/images/memory',
      { ...longRequest, num_inference_steps: 60 },
      { headers: { 'x-request-id': 'last' } },
    );
    await until('the drawing has started', () =>
      service.logLines().find((line) => line.msg === 'job started' && line.request_id === 'last'),
    );

    const exit = service.stopGateway();
    expect((await pending).status).toBe(200);
    expect(await exit).toBe(0);
    await service.stop();
  });
});
