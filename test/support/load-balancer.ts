import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { withCanary } from './with-canary.js';

export interface Forwarded {
  /** Milliseconds since the load balancer began. */
  atMs: number;
  method: string;
  /** undefined: the connection was refused or cut. */
  status: number | undefined;
  retryAfter: string | undefined;
  connection: string | undefined;
  /** How the connection failed; undefined: it did not. */
  failure: string | undefined;
}

const everyMs = 15;
const unanswered = { status: undefined, retryAfter: undefined, connection: undefined, failure: undefined };

/**
 * A stub of a load balancer that has not noticed yet: it keeps its connections, and goes on sending reads and new work to
 * the one target it has, whatever that answers.
 */
export class LoadBalancer {
  readonly forwarded: Forwarded[] = [];
  private readonly agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
  private readonly begun = performance.now();

  constructor(private readonly target: string) {}

  get nowMs(): number {
    return performance.now() - this.begun;
  }

  /** Sends until the signal is aborted; resolves when every request has its answer, or its failure. */
  async send(signal: AbortSignal): Promise<void> {
    const open: Promise<void>[] = [];
    for (let number = 0; !signal.aborted; number += 1) {
      open.push(number % 3 === 0 ? this.forward('POST', '/v1/images/memory', number) : this.forward('GET', '/v1/jobs'));
      await sleep(everyMs);
    }
    await Promise.all(open);
    this.agent.destroy();
  }

  private forward(method: string, path: string, number = 0): Promise<void> {
    const atMs = this.nowMs;
    const headers = { 'content-type': 'application/json', prefer: 'respond-async' };
    return new Promise((resolve) => {
      const done = (rest: Partial<Forwarded>): void => {
        this.forwarded.push({ ...unanswered, ...rest, atMs, method });
        resolve();
      };
      const request = http.request(`${this.target}${path}`, { method, headers, agent: this.agent }, (response) => {
        const { 'retry-after': retryAfter, connection } = response.headers;
        response.once('error', (error) => done({ failure: error.message }));
        response.once('end', () => done({ status: response.statusCode, retryAfter, connection }));
        response.resume();
      });
      request.once('error', (error: NodeJS.ErrnoException) => done({ failure: error.code ?? error.message }));
      request.end(
        method === 'POST'
          ? JSON.stringify(withCanary({ user_id: 'ada', prompt: `the lake ${number}`, num_inference_steps: 1 }))
          : undefined,
      );
    });
  }
}
