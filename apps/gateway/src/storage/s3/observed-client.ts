import type { S3Client } from '@aws-sdk/client-s3';

import { traced } from '../../observability/tracing/traced.js';
import { storageCalled } from '../storage-signals.js';
import { statusOf } from './s3-errors.js';

/** Tells of every request of the client, whoever sends it: a step around all the SDK's own, so that retries are in it. */
export function observe(client: S3Client): S3Client {
  client.middlewareStack.add(
    (next, context) => async (input) => {
      const operation = (context.commandName ?? 'unknown').replace(/Command$/, '');
      const begunMs = performance.now();
      const tell = (outcome: string): void =>
        storageCalled.send({ operation, outcome, seconds: (performance.now() - begunMs) / 1000 });
      return traced(`S3 ${operation}`, async () => {
        try {
          const output = await next(input);
          tell('ok');
          return output;
        } catch (error) {
          tell(String(statusOf(error) ?? 'unreachable'));
          throw error;
        }
      });
    },
    { step: 'initialize', name: 'illustrationObserver', priority: 'high' },
  );
  return client;
}
