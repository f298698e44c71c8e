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
const maxMessageBytes = 64 * 1024;
const timed = {
  interruptAfterTimeLimit: (Number(seconds) * 1000) / service.methods.length,
  numRuns: 100_000,
  ...(seed !== undefined && { seed: Number(seed) }),
};
/** What is changed is changed in a message that would be accepted. */
const goodMessages = (jobId: string): Record<string, Record<string, string | number>> => ({
  Illustrate: { kind: 1, userId: 'ada', prompt: 'the lake', numInferenceSteps: 3 },
  GetJob: { jobId },
  CancelJob: { jobId },
  ListJobs: { pageSize: 5 },
  EraseUserData: { userId: 'ada' },
});

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

/** Why this is no refusal as it should be; undefined: it is one. */
function wrongWith(error: ServiceError, message: Buffer): string | undefined {
  const told = `${status[error.code]}: ${error.details}`;
  const isFault = [status.INTERNAL, status.UNKNOWN, status.DEADLINE_EXCEEDED].includes(error.code);
  if (isFault) return `${told} is a fault of the service`;
  // Refused by grpc-js itself, which knows no reasons.
  if (message.length > maxMessageBytes) return error.code === status.RESOURCE_EXHAUSTED ? undefined : told;
  const { domain, reason = '' } = detailsOf(error);
  const slug = fromWireReason(reason);
  if (domain !== 'illustration.autobio' || slug === undefined) return `${told} has no reason of the catalogue`;
  return catalogue[slug].grpcStatus === error.code ? undefined : `${told} is not the status of ${slug}`;
}

describe('every RPC survives', { timeout: 300_000 }, () => {
  it.each(service.methods)('any message: $name', async (method) => {
    const count = { tried: 0, refused: 0 };
    counts.set(method.name, count);
    const messages = anyMessage(method.input, goodMessages(jobId)[method.name]);
    const survived = fc.assert(
      fc.asyncProperty(messages, async (message) => {
        const error = await call(method, message);
        count.tried += 1;
        if (error === undefined) return;
        count.refused += 1;
        expect(wrongWith(error, message)).toBeUndefined();
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
