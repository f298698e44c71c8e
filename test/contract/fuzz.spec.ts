// Bodies, headers and paths that nobody thought of, sent to the whole gateway. Oracle: what is refused is problem+json of
// the catalogue, nothing is ever a 500, and the service goes on. FUZZ_SECONDS and FUZZ_SEED set length and repeat a run.
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { idempotencyKeyIn } from '../../apps/gateway/src/illustration/rest/idempotency-header.js';
import { toPreference } from '../../apps/gateway/src/illustration/rest/preference.js';
import { parseJsonObject } from '../../apps/gateway/src/http/json-body.js';
import { DomainError } from '../../apps/gateway/src/errors/domain-error.js';
import { expectProblem } from '../support/problem.js';
import { WholeApp } from '../support/whole-app.js';

const { FUZZ_SECONDS: seconds = '3', FUZZ_SEED: seed } = process.env;
/** Of each of the three that call the service. */
const limitMs = (Number(seconds) * 1000) / 3;
const timed = { interruptAfterTimeLimit: limitMs, numRuns: 100_000, ...(seed !== undefined && { seed: Number(seed) }) };

let whole: WholeApp;
let tried = 0;
let refused = 0;

beforeAll(async () => {
  whole = await WholeApp.start({ MAX_QUEUED_JOBS: '50' });
  whole.drawings.hold();
}, 60_000);
afterAll(async () => {
  process.stdout.write(`fuzz: ${tried} requests, ${refused} refused, none with 500\n`);
  await whole.stop();
});

const odd = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
  fc.array(fc.anything({ maxDepth: 2 }), { maxLength: 3 }),
  fc.object({ maxDepth: 3 }),
  fc.constantFrom('ada', 'x'.repeat(2001), '../ada', '\u0000', '\u202e', -1, 0, 1e308, 2 ** 53),
);
const names = [
  'user_id',
  'prompt',
  'num_inference_steps',
  'ip_adapter_scale',
  'negative_prompt',
  'style_prompt',
  'lora_id',
  'seed',

  'guidance_scale',
  'width',
  'height',
  'n',
  'response_format',
  'preview_every',
  'lora_scale',
  'ip_adapter_mode',
  'people',
];
const bodies = fc
  .dictionary(fc.oneof(fc.constantFrom(...names), fc.string()), odd, { maxKeys: 5 })
  .map((fields) => JSON.stringify({ user_id: 'ada', prompt: 'the lake', ...fields }));
const texts = fc.oneof(
  bodies,
  bodies.map((text) => text.slice(0, text.length / 2)),
  fc.json(),
  fc.string({ unit: 'binary' }),
);
const visible = fc.stringMatching(/^[\x20-\x7e]{0,60}$/);

async function check(path: string, init: RequestInit): Promise<void> {
  const response = await fetch(whole.url + path, init);
  const text = await response.text();
  tried += 1;
  if (response.status < 400) return;
  refused += 1;
  expect(response.status).not.toBe(500);
  if (init.method !== 'HEAD') expectProblem({ status: response.status, headers: response.headers, text });
}

describe('the gateway survives', { timeout: 300_000 }, () => {
  it('any body', async () => {
    const kinds = fc.constantFrom('memory', 'subject');
    const survived = fc.assert(
      fc.asyncProperty(kinds, texts, (kind, body) =>
        check(`/v1/images/${kind}`, {
          method: 'POST',
          body,
          headers: { 'content-type': 'application/json', prefer: 'respond-async' },
        }),
      ),
      timed,
    );
    await expect(survived).resolves.toBeUndefined();
  });

  it('any header', async () => {
    const headers = [
      'Prefer',
      'Accept',
      'Idempotency-Key',
      'X-Deadline-Seconds',
      'X-Request-Id',
      'Content-Type',
      'Authorization',
      'Content-Encoding',
    ];
    const given = fc.dictionary(
      fc.constantFrom(...headers),
      visible.map((text) => text.trim()),
      { maxKeys: 4 },
    );
    const survived = fc.assert(
      fc.asyncProperty(given, (fields) =>
        check('/v1/images/memory', {
          method: 'POST',
          body: JSON.stringify({ user_id: 'ada', prompt: 'the lake' }),
          headers: {
            'content-type': 'application/json',
            ...fields,
            prefer: 'respond-async',
            accept: fields['Accept'] === 'text/event-stream' ? '*/*' : (fields['Accept'] ?? '*/*'),
          },
        }),
      ),
      timed,
    );
    await expect(survived).resolves.toBeUndefined();
  });

  it('any path and query', async () => {
    const parts = fc.oneof(
      fc.constantFrom('v1', 'jobs', 'images', 'users', 'data', 'health', 'docs', '..', '%2e%2e', '%00', '%ff'),
      fc.webSegment(),
      fc.string(),
    );
    const paths = fc
      .array(parts, { maxLength: 5 })
      .map((all) => `/${all.map((part) => encodeURI(part).replaceAll(/[?#]/g, '')).join('/')}`);
    const methods = fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS');
    const survived = fc.assert(
      fc.asyncProperty(methods, paths, fc.webQueryParameters(), (method, path, query) =>
        check(`${path}?${query}`, { method }),
      ),
      timed,
    );
    await expect(survived).resolves.toBeUndefined();
  });

  it('and still answers', async () => {
    expect((await fetch(`${whole.url}/health/ready`)).status).toBe(200);
  });
});

describe('small readers', () => {
  const runs = { numRuns: 2000 };

  /** What a reader makes of it: a value, or the reason it refuses it for. Anything else that it throws fails the test. */
  function outcomeOf<T>(read: () => T): { value: T } | { reason: string } {
    try {
      return { value: read() };
    } catch (error) {
      if (error instanceof DomainError) return { reason: error.reason };
      throw error;
    }
  }

  it('take any text for a preference', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(toPreference(text).waitSeconds ?? 0).toBeLessThanOrEqual(110);
      }),
      runs,
    );
  });

  it('give an idempotency key or refuse it', () => {
    const key = fc.oneof(
      fc.string({ unit: 'binary' }),
      visible.map((text) => `"${text}"`),
    );
    fc.assert(
      fc.property(key, (text) => {
        const outcome = outcomeOf(() => idempotencyKeyIn(text));
        const isKey = 'value' in outcome && /^[\x21-\x7e]{1,255}$/.test(outcome.value ?? '');
        expect(isKey || outcome).toEqual(isKey || { reason: 'idempotency-key-invalid' });
      }),
      runs,
    );
  });

  it('read JSON as JSON.parse does, or refuse it', () => {
    const json = fc.oneof(
      fc.json(),
      fc.object().map((value) => JSON.stringify(value)),
      fc.string(),
    );
    fc.assert(
      fc.property(json, (text) => {
        const outcome = outcomeOf(() => parseJsonObject(Buffer.from(text)));
        const expected = 'reason' in outcome ? outcome : { value: JSON.parse(text) as unknown };
        expect(outcome).toEqual(expected);
      }),
      runs,
    );
  });
});
