// Nothing that a person wrote, showed or keeps secret is in any log line, error or metric: canaries are sent through
// every door of the real service, at the most talkative log level, and looked for in everything it wrote.
import { credentials } from '@grpc/grpc-js';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { IllustrationServiceClient } from '../../apps/gateway/src/generated/autobio/illustration/v1/illustration.js';
import { canary } from '../../scripts/privacy/canary.mjs';
import { addApiKey } from '../../apps/gateway/src/auth/api-key-editing.js';
import { secretPartOf } from '../support/api-keys.js';
import { corpus } from '../contract/bad-inputs/corpus.js';
import { portrait } from '../support/avatars.js';
import { aMemory, failureOf, toEnd } from '../support/grpc-calls.js';
import { RunningService } from '../support/running-service.js';
import { sendBadInput } from '../support/send-bad-input.js';
import { withBearer } from '../support/tenants-app.js';

const secret = {
  prompt: `${canary} prompt my grandmother hid the letters`,
  negative: `${canary} negative nobody may know`,
  style: `${canary} style in her own hand`,
  token: `${canary}-token-0123456789abcdef`,
  idempotencyKey: `${canary}-idempotency-key`,
  image: canary,
} as const;

let service: RunningService;
let key: string;
let grpcPort: number;
/** Bodies of everything that was refused. */
const refusals: string[] = [];

beforeAll(async () => {
  const keysFile = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'illustration-privacy-')), 'keys.json');
  key = await addApiKey(keysFile, { tenant: 'acme', scopes: ['generate', 'read', 'admin'], notAfter: undefined });
  service = await RunningService.start({
    LOG_LEVEL: 'debug',
    AUTH_ENABLED: 'true',
    AUTH_TOKEN: secret.token,
    API_KEYS_FILE: keysFile,
  });
  grpcPort = Number(service.logLines().find(({ msg }) => msg.includes('grpc://'))?.['port']);
  service.putObject('avatars/ada.png', portrait);
  service.putObject('avatars/broken.png', Buffer.from(secret.image.repeat(50)));
});
afterAll(() => service?.stop());

const good = {
  user_id: 'ada',
  prompt: secret.prompt,
  negative_prompt: secret.negative,
  style_prompt: secret.style,
  num_inference_steps: 2,
};

async function post(body: unknown, headers: Record<string, string> = {}): Promise<number> {
  const response = await fetch(`${service.url}/v1/images/memory`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}`, ...headers },
  });
  const text = await response.text();
  if (response.status >= 400) refusals.push(text);
  return response.status;
}

it('draws, refuses and fails in every way', async () => {
  expect(await post(good)).toBe(200);
  expect(await post(good, { authorization: `Bearer ${secret.token}`, 'idempotency-key': secret.idempotencyKey })).toBe(
    200,
  );
  expect(await post({ ...good, response_format: 'b64_json' })).toBe(200);
  expect(
    await post(
      { ...good, prompt: 'something else' },
      { authorization: `Bearer ${secret.token}`, 'idempotency-key': secret.idempotencyKey },
    ),
  ).toBe(422);
  expect(await post({ ...good, user_id: 'nobody' })).toBe(422);
  expect(await post({ ...good, user_id: 'broken' })).toBe(422);
  expect(await post({ ...good, lora_id: 'nowhere' })).toBe(422);
  expect(await post({ ...good, prompt: secret.prompt.repeat(100) })).toBe(422);
  expect(await post({ ...good, prompt: `${secret.prompt}\u0007` })).toBe(422);
  expect(await post({ ...good, num_inference_steps: secret.prompt })).toBe(422);
  expect(await post({ ...good, seed: -1 })).toBe(422);
  expect(await post(`{"prompt": "${secret.prompt}", oops`)).toBe(400);
  expect(await post(`{"prompt": "${secret.prompt}", "prompt": "twice"}`)).toBe(400);
  expect(await post(good, { authorization: `Bearer ${secret.token}x` })).toBe(401);
  expect(await post(good, { authorization: `Basic ${Buffer.from(secret.token).toString('base64')}` })).toBe(401);
  expect(await post(good, { 'idempotency-key': `${secret.idempotencyKey} with a blank` })).toBe(400);
  expect(await post(good, { 'content-type': 'text/plain' })).toBe(415);
  const query = await fetch(`${service.url}/v1/jobs?token=${secret.token}`, {
    headers: { authorization: `Bearer ${key}` },
  });
  refusals.push((await query.text()).replaceAll('token', ''));
  expect(query.status).toBe(422);
});

it('refuses every wrong request of the corpus', { timeout: 120_000 }, async () => {
  const statuses = new Map<string, number>();
  for (const input of corpus) {
    const { status, text } = await sendBadInput(service.url, input, { authorization: `Bearer ${key}` });
    statuses.set(input.what, status);
    refusals.push(text);
  }
  expect(statuses).toEqual(new Map(corpus.map(({ what, status }) => [what, status])));
});

it('does so over gRPC', async () => {
  const client = new IllustrationServiceClient(`127.0.0.1:${grpcPort}`, credentials.createInsecure());
  const fields = { prompt: secret.prompt, stylePrompt: secret.style, numInferenceSteps: 2 };
  expect((await toEnd(client.illustrate(aMemory(fields), withBearer(key)))).error).toBeUndefined();
  const calls = [
    (await toEnd(client.illustrate(aMemory({ ...fields, userId: '' }), withBearer(key)))).error,
    (await toEnd(client.illustrate(aMemory({ ...fields, prompt: secret.prompt.repeat(100) }), withBearer(key)))).error,
    (await toEnd(client.illustrate(aMemory(fields), withBearer(`${secret.token}x`)))).error,
    await failureOf((done) => client.getJob({ jobId: secret.prompt }, withBearer(key), done)),
  ];
  for (const failure of calls) refusals.push(`${failure?.details} ${JSON.stringify(failure?.metadata.getMap())}`);
  client.close();
});

it('erases the user', async () => {
  const erased = await fetch(`${service.url}/v1/users/ada/data`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${key}` },
  });
  expect(erased.status).toBe(200);
  expect(await erased.json()).toMatchObject({ pending_jobs: 0 });
});

/** However a text could have been written down. */
function disguises(text: string): string[] {
  const bytes = Buffer.from(text);
  // Base64 of a text inside of others depends on where it begins: the middle of each of the three.
  const inBase64 = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .slice(4, -6),
  );
  return [text, encodeURIComponent(text), bytes.toString('hex'), ...inBase64];
}

it('and has written nothing of it down', async () => {
  const metrics = await fetch(`${service.url}/metrics`, { headers: { authorization: `Bearer ${key}` } });
  const written = `${fs.readFileSync(service.log, 'utf8')}\n${await metrics.text()}`;
  expect(service.logLines().length).toBeGreaterThan(40);
  expect(new Set(service.logLines().map((line) => line.service))).toEqual(new Set(['gateway', 'worker']));
  const secrets = [...Object.values(secret), key, secretPartOf(key), portrait.subarray(200, 240).toString('latin1')];
  for (const one of secrets) {
    for (const disguise of disguises(one)) {
      expect(written).not.toContain(disguise);
      expect(refusals.join('\n')).not.toContain(disguise);
    }
  }
});
