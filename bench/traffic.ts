// One call of a mix as callers send it: pictures of both kinds, several at once, streams, cancels, mistakes, hang-ups.
import { setTimeout as sleep } from 'node:timers/promises';
import type { SeededRandom } from '../test/support/seeded-random.js';

export interface Outcome {
  kind: string;
  /** The HTTP status; `gone` when the caller left. */
  status: number | 'gone';
}

type Call = (url: string, userId: string, random: SeededRandom) => Promise<number | 'gone'>;

const headers = { 'content-type': 'application/json' };
const steps = (random: SeededRandom): number => random.integer(2, 8);

/** So few prompts that what is remembered of them is all there soon: whatever grows after that is no cache. */
const prompts = 40;

const calls: { [kind: string]: Call } = {
  memory: (url, user_id, random) =>
    post(`${url}/v1/images/memory`, {
      user_id,
      prompt: `the lake, ${random.integer(1, prompts)}`,
      num_inference_steps: steps(random),
    }),
  subject: (url, user_id, random) => post(`${url}/v1/images/subject`, { user_id, num_inference_steps: steps(random) }),
  'two memories': (url, user_id, random) =>
    post(`${url}/v1/images/memory`, {
      user_id,
      prompt: 'the house',
      n: 2,
      num_inference_steps: steps(random),
      width: 64,
      height: 64,
    }),
  stream: async (url, user_id, random) => {
    const body = JSON.stringify({ user_id, prompt: 'the tree', num_inference_steps: steps(random), preview_every: 2 });
    const accept = { ...headers, accept: 'text/event-stream' };
    const response = await fetch(`${url}/v1/images/memory`, { method: 'POST', headers: accept, body });
    await response.text();
    return response.status;
  },
  cancel: async (url, user_id, random) => {
    const body = JSON.stringify({ user_id, prompt: 'the dog', num_inference_steps: 100 });
    const prefer = { ...headers, prefer: 'respond-async' };
    const response = await fetch(`${url}/v1/images/memory`, { method: 'POST', headers: prefer, body });
    const { job_id: id } = (await response.json()) as { job_id: string };
    await sleep(random.integer(0, 500));
    const canceled = await fetch(`${url}/v1/jobs/${id}/cancel`, { method: 'POST' });
    await canceled.text();
    return canceled.status;
  },
  mistake: (url, user_id) => post(`${url}/v1/images/memory`, { user_id, prompt: '', colour: 'blue' }),
  'hang-up': async (url, user_id, random) => {
    const signal = AbortSignal.timeout(random.integer(20, 300));
    const body = JSON.stringify({ user_id, prompt: 'the boat', num_inference_steps: 100 });
    return fetch(`${url}/v1/images/memory`, { method: 'POST', headers, body, signal }).then(
      async (response) => {
        await response.text();
        return response.status;
      },
      () => 'gone' as const,
    );
  },
};

/** Half of all calls are plain memories. */
export async function mixedCall(url: string, userId: string, random: SeededRandom): Promise<Outcome> {
  const kind = random.next() < 0.5 ? 'memory' : random.oneOf(Object.keys(calls));
  const call = calls[kind];
  if (call === undefined) throw new Error(`there is no such call: ${kind}`);
  return { kind, status: await call(url, userId, random) };
}

async function post(url: string, fields: object): Promise<number> {
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(fields) });
  await response.text();
  return response.status;
}
