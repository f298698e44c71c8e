// The scripts that try a running service out, as an operator runs them: what they print, and the status they end with.
import { execFile } from 'node:child_process';
import process from 'node:process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inRoot } from '../../scripts/paths.mjs';
import { portrait } from '../support/avatars.js';
import { RunningService } from '../support/running-service.js';

const token = 'a-token-for-the-scripts';
let closed: RunningService;
let open: RunningService;

beforeAll(async () => {
  [closed, open] = await Promise.all([
    RunningService.start({ AUTH_ENABLED: 'true', AUTH_TOKEN: token }),
    RunningService.start({ ILLUSTRATOR: 'fake' }),
  ]);
  for (const user of ['test_user_123', 'test_user_0', 'test_user_1', 'test_user_2', 'ada']) {
    closed.putObject(`avatars/${user}.png`, portrait);
    closed.putObject(`subjects/${user}.png`, portrait);
  }
});
afterAll(() => Promise.all([closed?.stop(), open?.stop()]));

interface Ending {
  code: number;
  output: string;
}

/** Runs a script of scripts/live with few steps. */
async function run(script: string, args: string[], env: Record<string, string> = {}): Promise<Ending> {
  const { AUTH_TOKEN: _, USER_ID: __, ...rest } = process.env;
  const options = { env: { ...rest, STEPS: '2', ...env } };
  const outcome = await promisify(execFile)(inRoot('scripts', 'live', script), args, options).then(
    (done) => ({ code: 0, ...done }),
    (failed: { code: number; stdout: string; stderr: string }) => failed,
  );
  return { code: outcome.code, output: `${outcome.stdout}${outcome.stderr}` };
}

describe.each(['memory', 'subject'])('test-%s-illustration.sh', (kind) => {
  const script = `test-${kind}-illustration.sh`;

  it('draws for the user of the guide and shows the reply', async () => {
    const { code, output } = await run(script, [closed.url, token]);
    expect(output).toContain(`Testing ${kind} illustration endpoint...`);
    expect(output).toMatch(new RegExp(`"s3_uri":"s3://local/generated/test_user_123/${kind}_`));
    expect(output).toMatch(/HTTP 200 in [\d.]+ s/);
    expect(output.trimEnd().endsWith('OK')).toBe(true);
    expect(code).toBe(0);
  });

  it('takes another user, and the token from the environment', async () => {
    const { code, output } = await run(script, [closed.url], { AUTH_TOKEN: token, USER_ID: 'ada' });
    expect(output).toContain('/generated/ada/');
    expect(code).toBe(0);
  });

  it('says what to do when the user has no photo, when the token is missing, when nobody answers', async () => {
    expect(await run(script, [closed.url, token, 'nobody'])).toMatchObject({
      code: 1,
      output: expect.stringContaining('user nobody has no picture to draw from'),
    });
    expect(await run(script, [closed.url])).toMatchObject({
      code: 1,
      output: expect.stringContaining('asks for a token'),
    });
    expect(await run(script, ['http://127.0.0.1:1'])).toMatchObject({
      code: 1,
      output: expect.stringContaining('no answer'),
    });
  });
});

describe('test-health.sh', () => {
  it('shows every page, without a token', async () => {
    const { code, output } = await run('test-health.sh', [closed.url]);
    for (const page of ['/', '/health', '/health/', '/health/live', '/health/ready', '/health/startup']) {
      expect(output).toMatch(new RegExp(`^${page} +200 `, 'm'));
    }
    expect(output).toContain('Image generation service is ready');
    expect(code).toBe(0);
  });

  it('fails when nothing would be drawn', async () => {
    const { code, output } = await run('test-health.sh', ['http://127.0.0.1:1']);
    expect(output).toContain('FAILED: no answer');
    expect(code).toBe(1);
  });
});

describe('test-auth.sh', () => {
  it('finds a closed service closed, and open to the token', async () => {
    const { code, output } = await run('test-auth.sh', [closed.url, token]);
    expect(output).toMatch(/^without a token +401$/m);
    expect(output).toMatch(/^with a wrong token +401$/m);
    expect(output).toMatch(/^with the token +200$/m);
    expect(code).toBe(0);
  });

  it('fails with a wrong token', async () => {
    expect(await run('test-auth.sh', [closed.url, 'some-other-token'])).toMatchObject({
      code: 1,
      output: expect.stringContaining('with the token: should be 200, is 401'),
    });
  });

  it('fails on a service that lets everybody in', async () => {
    expect(await run('test-auth.sh', [open.url])).toMatchObject({
      code: 1,
      output: expect.stringContaining('lets everybody in'),
    });
  });
});

describe('load-test.mjs', () => {
  it('draws many at once and says how long they took', async () => {
    const { code, output } = await run('load-test.mjs', [closed.url, token, '--requests', '3', '--steps', '2']);
    expect(output).toMatch(/^Completed 3 requests in [\d.]+ seconds: 3 pictures$/m);
    expect(output).toMatch(/^Time of a request: average [\d.]+ s, median [\d.]+ s, 95 % [\d.]+ s, longest [\d.]+ s$/m);
    expect(output).toMatch(/^Pictures per minute: [\d.]+$/m);
    expect(code).toBe(0);
  });

  it('counts failures by their error', async () => {
    const args = [closed.url, token, '--requests', '4', '--steps', '2'];
    const { code, output } = await run('load-test.mjs', args);
    expect(output).toContain('Failed: 1 x 422 avatar-not-found');
    expect(code).toBe(1);
  });
});

it.each([
  'test-memory-illustration.sh',
  'test-subject-illustration.sh',
  'test-health.sh',
  'test-auth.sh',
  'load-test.mjs',
])('%s without an address says how it is used', async (script) => {
  const { code, output } = await run(script, []);
  expect(output).toMatch(/Usage: .*API_URL/);
  expect(code).toBe(2);
});
