#!/usr/bin/env node
// Many drawings at once from a running service: how many succeed, how long they take, how many a minute.
// Usage: node load-test.mjs URL [TOKEN] [--requests 10] [--concurrency 10] [--steps 20] [--user USER_ID]
// Without --user the requests are from test_user_0, test_user_1 ..., each of whom needs an avatar. Node 18 or newer.
import process from 'node:process';
import { parseArgs } from 'node:util';

const usage = 'Usage: load-test.mjs <API_URL> [TOKEN] [--requests 10] [--concurrency 10] [--steps 20] [--user USER_ID]';
/** A little more than the service lets anybody wait. */
const timeoutMs = 125_000;

const test = readArguments();
const outcomes = [];
const begin = performance.now();
let next = 0;
await Promise.all(Array.from({ length: Math.min(test.concurrency, test.requests) }, work));
report((performance.now() - begin) / 1000);

function readArguments() {
  try {
    const number = (fallback) => ({ type: 'string', default: String(fallback) });
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { requests: number(10), concurrency: number(10), steps: number(20), user: { type: 'string' } },
    });
    const [requests, concurrency, steps] = [values.requests, values.concurrency, values.steps].map(Number);
    const areCounts = [requests, concurrency, steps].every((count) => Number.isInteger(count) && count > 0);
    if (positionals.length < 1 || positionals.length > 2 || !areCounts) throw new Error(usage);
    const address = new URL(positionals[0]).href.replace(/\/$/, '');
    return {
      url: address,
      token: positionals[1] ?? process.env.AUTH_TOKEN,
      requests,
      concurrency,
      steps,
      user: values.user,
    };
  } catch (error) {
    console.error(error.message === usage ? usage : `${error.message}\n${usage}`);
    return process.exit(2);
  }
}

async function work() {
  while (next < test.requests) outcomes.push(await draw(next++));
}

/** @returns what came of it: `error` is the slug of a problem, or why there was no answer */
async function draw(index) {
  const start = performance.now();
  const outcome = (status, error) => ({ status, error, seconds: (performance.now() - start) / 1000 });
  try {
    const response = await fetch(`${test.url}/v1/images/memory`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...(test.token ? { Authorization: `Bearer ${test.token}` } : {}) },
      body: JSON.stringify({
        user_id: test.user ?? `test_user_${index}`,
        prompt: `Test prompt ${index}`,
        num_inference_steps: test.steps,
      }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const body = await response.json().catch(() => ({}));
    const isDrawn = response.status === 200 && String(body.data?.[0]?.s3_uri).startsWith('s3://');
    return outcome(response.status, isDrawn ? undefined : (body.error ?? 'not-a-picture'));
  } catch (error) {
    return outcome(0, error.name === 'TimeoutError' ? 'no-answer-in-time' : (error.cause?.code ?? error.message));
  }
}

function report(seconds) {
  const drawn = outcomes.filter(({ error }) => error === undefined).map((one) => one.seconds);
  console.log(`Completed ${outcomes.length} requests in ${seconds.toFixed(2)} seconds: ${drawn.length} pictures`);
  if (drawn.length > 0) {
    drawn.sort((a, b) => a - b);
    const at = (share) => drawn[Math.min(drawn.length - 1, Math.ceil(share * drawn.length) - 1)].toFixed(2);
    const average = drawn.reduce((sum, one) => sum + one, 0) / drawn.length;
    console.log(
      `Time of a request: average ${average.toFixed(2)} s, median ${at(0.5)} s, 95 % ${at(0.95)} s, longest ${at(1)} s`,
    );
    console.log(`Pictures per minute: ${((drawn.length / seconds) * 60).toFixed(1)}`);
  }
  const failed = outcomes.filter(({ error }) => error !== undefined);
  const counts = new Map();
  for (const one of failed) counts.set(reasonOf(one), (counts.get(reasonOf(one)) ?? 0) + 1);
  for (const [reason, count] of counts) console.log(`Failed: ${count} x ${reason}`);
  process.exitCode = failed.length > 0 ? 1 : 0;
}

function reasonOf({ status, error }) {
  return status === 0 ? error : `${status} ${error}`;
}
