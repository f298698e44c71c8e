// Every line that either process logs, in good times and bad, is a line of the one schema.
import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { inRoot } from '../../scripts/paths.mjs';
import { portrait } from '../support/avatars.js';
import { RunningService, until, type LogLine } from '../support/running-service.js';

const text = fs.readFileSync(inRoot('docs', 'schemas', 'log-line.schema.json'), 'utf8');
const schema = z.fromJSONSchema(JSON.parse(text) as Parameters<typeof z.fromJSONSchema>[0]);
const shared = ['time', 'level', 'msg', 'service', 'request_id', 'job_id', 'trace_id', 'tenant', 'attempt', 'error'];
const traceId = 'a'.repeat(32);
const statuses: number[] = [];
let service: RunningService;

const draw = (fields: object = {}) =>
  service.post(
    '/v1/images/memory',
    { user_id: 'ada', prompt: 'the lake by the house', num_inference_steps: 3, ...fields },
    { headers: { traceparent: `00-${traceId}-${'b'.repeat(16)}-01`, 'x-request-id': 'log-1' } },
  );

beforeAll(async () => {
  // The worker fails in a way that nobody has foreseen: a stack in its log, and in the gateway's.
  service = await RunningService.start({
    ENGINE: 'fake',
    FAKE_FAIL_REASON: 'INTERNAL',
    FAKE_FAIL_AT_STEP: '2',
    LOG_LEVEL: 'debug',
    JOB_MAX_ATTEMPTS: '1',
  });
  service.putObject('avatars/ada.png', portrait);
  const replies = [
    await draw(),
    await draw({ num_inference_steps: 1 }),
    await draw({ user_id: 'nobody' }),
    await service.post('/v1/images/memory', { prompt: 7 }),
  ];
  statuses.push(...replies.map(({ status }) => status));
  process.kill(service.workerPid, 'SIGKILL');
  await until('the gateway has noticed', () =>
    service.logLines().some((line) => line['worker_state'] === 'lost' && line.error !== undefined),
  );
});
afterAll(() => service?.stop());

it('comes of calls that went well and ill', () => {
  expect(statuses).toEqual([500, 200, 422, 422]);
});

describe.each(['gateway', 'worker'] as const)('the lines of the %s', (name) => {
  const lines = (): LogLine[] => service.logLines().filter((line) => line.service === name);

  it('are all of the schema', () => {
    const wrong = lines().flatMap((line) => {
      const { success, error } = schema.safeParse(line);
      return success ? [] : [{ line, problem: error.message }];
    });
    expect(wrong).toEqual([]);
    expect(lines().length).toBeGreaterThan(5);
  });

  it('have had a use for every member of it', () => {
    const used = new Set(lines().flatMap((line) => Object.keys(line)));
    expect(shared.filter((member) => !used.has(member))).toEqual([]);
  });

  it('name one trace and one request, told by the caller', () => {
    const drawn = lines().filter((line) => line['attempt'] !== undefined);
    expect(new Set(drawn.map((line) => line['trace_id']))).toEqual(new Set([traceId]));
    expect(new Set(drawn.map((line) => line.request_id))).toEqual(new Set(['log-1']));
  });

  it('hold none of the words', () => {
    expect(JSON.stringify(lines())).not.toContain('lake by the house');
  });
});

it('is refused what is no line of it', () => {
  const line = { time: '2026-11-25T10:00:00.000Z', level: 'info', msg: 'm', service: 'gateway' };
  expect(schema.safeParse(line).success).toBe(true);
  const wrong = [{ level: 'INFO' }, { time: 'now' }, { attempt: 0 }, { error: 'a text' }, { trace_id: 'x' }];
  expect(wrong.filter((one) => schema.safeParse({ ...line, ...one }).success)).toEqual([]);
});
