import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultHistory } from './fault-history.js';
import type { SeededRandom } from './seeded-random.js';
import { withCanary } from './with-canary.js';
import { readEvents } from './event-pages.js';
import type { FinalEvent, FinalJob } from './history-checker.js';

const callTimeoutMs = 20_000;
const pauseMs = 100;
const isFinal = (state: string): boolean => ['succeeded', 'failed', 'canceled', 'expired'].includes(state);

/** A client that is never discouraged: asks any gateway, again and again with the same key, and writes down all it sees. */
export class FaultClient {
  constructor(
    private readonly urls: readonly string[],
    private readonly history: FaultHistory,
    private readonly random: SeededRandom,
    /** A call that brings nothing for so long has failed. */
    private readonly patienceMs = 120_000,
  ) {}

  /** Has a job accepted. @returns its id */
  async submit(key: string, fields: { n?: number; [name: string]: unknown } = {}): Promise<string> {
    const request = { user_id: 'ada', prompt: `the lake, ${key}`, num_inference_steps: 10, ...fields };
    const body = JSON.stringify(withCanary(request));
    const headers = { 'content-type': 'application/json', prefer: 'respond-async', 'idempotency-key': key };
    return this.untilAnswered(`${key} is accepted`, async (url) => {
      this.history.append({ type: 'asked', key });
      const begun = performance.now();
      const response = await fetch(`${url}/v1/images/memory`, { method: 'POST', body, headers, signal: soon() });
      const job = (await response.json()) as FinalJob;
      // 200: it has ended already.
      if (response.status !== 202 && response.status !== 200) return undefinedIfUnavailable(response.status, job);
      const latencyMs = performance.now() - begun;
      const isReplay = response.headers.has('idempotency-replayed');
      const images = fields.n ?? 1;
      this.history.append({ type: 'accepted', key, jobId: job.job_id, isReplay, latencyMs, images });
      return job.job_id;
    });
  }

  job(id: string): Promise<FinalJob> {
    return this.untilAnswered(`${id} is shown`, (url) => getJson<FinalJob>(`${url}/v1/jobs/${id}`));
  }

  /** Asks for the end of a job, once. @returns the status and the state it answers with */
  async cancel(id: string): Promise<{ status: number; state: string | undefined }> {
    const url = `${this.random.oneOf(this.urls)}/v1/jobs/${id}/cancel`;
    const response = await fetch(url, { method: 'POST', signal: soon() });
    const { state } = (await response.json()) as { state?: string };
    return { status: response.status, state };
  }

  /** Watches a job to its end, over as many streams as it takes. @returns its events, as the streams brought them */
  async follow(id: string): Promise<FinalEvent[]> {
    const seen: FinalEvent[] = [];
    const what = (): string => `${id} ends; it was ${seen.map(({ type }) => type).join(', ') || 'never seen'}`;
    await this.untilAnswered(what, async (url) => {
      const signal = AbortSignal.timeout(this.patienceMs);
      await readEvents(`${url}/v1/jobs/${id}/events`, { after: seen.at(-1)?.seq ?? 0, signal }, (event) =>
        seen.push(event),
      );
      return isFinal(seen.at(-1)?.type ?? '');
    });
    this.history.append({ type: 'ended', jobId: id, state: seen.at(-1)?.type ?? '' });
    return seen;
  }

  /** Every job there is. */
  async jobs(): Promise<FinalJob[]> {
    const jobs: FinalJob[] = [];
    for (let token = '', isFirst = true; isFirst || token !== ''; isFirst = false) {
      const page = await this.untilAnswered('a page of jobs', (url) =>
        getJson<{ jobs: FinalJob[]; next_page_token: string }>(`${url}/v1/jobs?page_size=100&page_token=${token}`),
      );
      jobs.push(...page.jobs);
      token = page.next_page_token;
    }
    return jobs;
  }

  private async untilAnswered<T>(
    what: string | (() => string),
    ask: (url: string) => Promise<T | undefined | false>,
  ): Promise<T> {
    const giveUpAt = Date.now() + this.patienceMs;
    let last: unknown;
    while (Date.now() < giveUpAt) {
      try {
        const answer = await ask(this.random.oneOf(this.urls));
        if (answer) return answer;
      } catch (error) {
        if (!isConnectionError(error)) throw error;
        last = error;
      }
      // Not waiting for something to happen, but not hammering a port that nobody listens on.
      await sleep(pauseMs);
    }
    const missed = typeof what === 'string' ? what : what();
    throw new Error(`it did not happen within ${this.patienceMs / 1000} s: ${missed}`, { cause: last });
  }
}

async function getJson<T>(url: string): Promise<T | undefined> {
  const response = await fetch(url, { signal: soon() });
  const body = await response.json();
  return response.status === 200 ? (body as T) : undefinedIfUnavailable(response.status, body);
}

/** 503 means: come back. Anything else that is no success is a defect of the service. */
function undefinedIfUnavailable(status: number, body: unknown): undefined {
  if (status !== 503) throw new Error(`answered ${status}: ${JSON.stringify(body)}`);
  return undefined;
}

function soon(): AbortSignal {
  return AbortSignal.timeout(callTimeoutMs);
}

/** `fetch` says `TypeError` for refused, reset and cut connections, `TimeoutError` for the signal's. */
export function isConnectionError(error: unknown): boolean {
  return error instanceof TypeError || (error instanceof DOMException && error.name === 'TimeoutError');
}
