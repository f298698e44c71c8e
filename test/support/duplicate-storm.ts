import http from 'node:http';
import { once } from 'node:events';
import { json } from 'node:stream/consumers';
import { withCanary } from './with-canary.js';

export interface StormReply {
  status: number;
  jobId: string | undefined;
  isReplay: boolean;
}

const connectionsPerGateway = 500;

/** Sends the same request with the same key `copies` times at once, over the gateways in turn. */
export async function sendDuplicates(urls: readonly string[], key: string, copies: number): Promise<StormReply[]> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: connectionsPerGateway });
  const body = JSON.stringify(
    withCanary({ user_id: 'ada', prompt: 'the lake, again and again', num_inference_steps: 5 }),
  );
  const headers = { 'content-type': 'application/json', prefer: 'respond-async', 'idempotency-key': key };
  try {
    return await Promise.all(
      Array.from({ length: copies }, async (_, copy) => {
        const url = `${urls[copy % urls.length]}/v1/images/memory`;
        const request = http.request(url, { method: 'POST', agent, headers, timeout: 60_000 });
        request.once('timeout', () => request.destroy(new Error('no answer within 60 s')));
        request.end(body);
        const [response] = (await once(request, 'response')) as [http.IncomingMessage];
        const { job_id: jobId } = (await json(response)) as { job_id?: string };
        return { status: response.statusCode ?? 0, jobId, isReplay: 'idempotency-replayed' in response.headers };
      }),
    );
  } finally {
    agent.destroy();
  }
}
