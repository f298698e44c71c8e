// Messages made from the protos, sent to every RPC of the gateway. Oracle: an answer, or a refusal with a reason of the
// catalogue under that reason's status, never INTERNAL or UNKNOWN; and the service goes on. FUZZ_SECONDS and FUZZ_SEED set
// length and repeat a run.
import type { DescMethod } from '@bufbuild/protobuf';
import { Client, credentials, status, type ServiceError } from '@grpc/grpc-js';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { catalogue } from '../../apps/gateway/src/errors/catalogue.js';
import { fromWireReason } from '../../apps/gateway/src/errors/reason-names.js';
import { detailsOf } from '../support/grpc-calls.js';
import { anyMessage, illustrationService } from '../support/proto-arbitrary.js';
import { WholeApp } from '../support/whole-app.js';

const { FUZZ_SECONDS: seconds = '3', FUZZ_SEED: seed } = process.env;
const service = illustrationService();
const timed = {
  interruptAfterTimeLimit: (Number(seconds) * 1000) / service.methods.length,
  numRuns: 100_000,
  ...(seed !== undefined && { seed: Number(seed) }),
};
/** What is changed is changed in a message that would be accepted. */
const good: Record<string, Record<string, string | number>> = {
  Illustrate: { kind: 1, userId: 'ada', prompt: 'the lake', numInferenceSteps: 3 },
  EraseUserData: { userId: 'ada' },
  ListJobs: { pageSize: 5 },
};

let whole: WholeApp;
let client: Client;
let jobId: string;
const counts = new Map<string, { tried: number; refused: number }>();

beforeAll(async () => {
  whole = await WholeApp.start({ MAX_QUEUED_JOBS: '50' });
  client = new Client(whole.grpcAddress, credentials.createInsecure());
  jobId = await whole.accept();
}, 60_000);
afterAll(async () => {
  for (const [name, { tried, refused }] of counts) {
    process.stdout.write(`fuzz: ${name}: ${tried} messages, ${refused} refused, none INTERNAL\n`);
  }
  client.close();
  await whole.stop();
});

const asTheyAre = (bytes: Buffer): Buffer => bytes;

/** Sends one message. A stream is left after its first event: a good request is accepted and would be drawn. */
function call(method: DescMethod, message: Buffer): Promise<ServiceError | undefined> {
  const path = `/${service.typeName}/${method.name}`;
  const options = { deadline: Date.now() + 20_000 };
  return new Promise((resolve) => {
    if (method.methodKind === 'server_streaming') {
      const stream = client.makeServerStreamRequest(path, asTheyAre, asTheyAre, message, options);
      stream.once('data', () => {
        stream.cancel();
        resolve(undefined);
      });
      stream.on('error', (error: ServiceError) => resolve(error));
      stream.once('end', () => resolve(undefined));
      return;
    }
    client.makeUnaryRequest(path, asTheyAre, asTheyAre, message, options, (error) => resolve(error ?? undefined));
  });
}

describe('every RPC survives', { timeout: 300_000 }, () => {
  it.each(service.methods)('any message: $name', async (method) => {
    const count = { tried: 0, refused: 0 };
    counts.set(method.name, count);
    const messages = anyMessage(method.input, good[method.name] ?? { jobId });
    const survived = fc.assert(
      fc.asyncProperty(messages, async (message) => {
        const error = await call(method, message);
        count.tried += 1;
        if (error === undefined) return;
        count.refused += 1;
        expect([status.INTERNAL, status.UNKNOWN, status.DEADLINE_EXCEEDED]).not.toContain(error.code);
        if (message.length > 64 * 1024) return expect(error.code).toBe(status.RESOURCE_EXHAUSTED);
        const { domain, reason = '' } = detailsOf(error);
        expect(domain, error.message).toBe('illustration.autobio');
        const slug = fromWireReason(reason);
        expect(slug, reason).toBeDefined();
        if (slug !== undefined) expect(catalogue[slug].grpcStatus).toBe(error.code);
      }),
      timed,
    );
    await expect(survived).resolves.toBeUndefined();
    expect(count.tried).toBeGreaterThan(0);
  });

  it('and is still answered', async () => {
    const { methods } = service;
    expect([...counts.keys()]).toEqual(methods.map(({ name }) => name));
    expect((await fetch(`${whole.url}/health/ready`)).status).toBe(200);
  });
});
