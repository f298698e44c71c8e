// One call is one trace: from the caller's own span through the job and the worker to the put, over REST and over gRPC.
import { randomBytes } from 'node:crypto';
import { credentials, Metadata } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IllustrationServiceClient } from '../../apps/gateway/src/generated/autobio/illustration/v1/illustration.js';
import { JobState } from '../../apps/gateway/src/generated/autobio/illustration/v1/job.js';
import { freePort } from '../../scripts/service/service.mjs';
import { portrait } from '../support/avatars.js';
import { aMemory, toEnd } from '../support/grpc-calls.js';
import { OtlpReceiver, type ReceivedSpan } from '../support/otlp-receiver.js';
import { RunningService, until } from '../support/running-service.js';
import { hasS3Server, S3Server } from '../support/s3-server.js';

const gateway = 'illustration-gateway';
const worker = 'illustration-worker';
const generate = 'autobio.worker.v1.WorkerService/Generate';
const stagesInWorker = ['queue', 'encode', 'denoise', 'decode', 'png'];

let collector: OtlpReceiver;
let s3: S3Server | undefined;
let service: RunningService;
let grpcPort: number;

beforeAll(async () => {
  collector = await OtlpReceiver.start();
  s3 = hasS3Server ? await S3Server.start() : undefined;
  grpcPort = await freePort();
  service = await RunningService.start({
    ENGINE: 'fake',
    FAKE_STEP_SECONDS: '0.01',
    GRPC_PORT: String(grpcPort),
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_BSP_SCHEDULE_DELAY: '100',
    ...s3?.settings,
  });
  if (s3 === undefined) service.putObject('avatars/ada.png', portrait);
  else await s3.put('avatars/ada.png', portrait);
});
afterAll(async () => {
  await service?.stop();
  await s3?.stop();
  await collector?.stop();
});

const newTrace = () => ({ traceId: randomBytes(16).toString('hex'), callerSpan: randomBytes(8).toString('hex') });

/** Resolves with the spans of the trace when those that end last in each process have come: their others came before. */
async function spansOf(traceId: string, rootName: string): Promise<ReceivedSpan[]> {
  return until(`the trace ${traceId} is whole`, () => {
    const spans = collector.ofTrace(traceId);
    const has = (name: string, of: string) => spans.some((span) => span.name === name && span.service === of);
    return has(rootName, gateway) && has('job', gateway) && has(generate, worker) && spans;
  });
}

/** The span of that name below that parent; fails unless there is exactly one. */
function child(spans: ReceivedSpan[], parent: ReceivedSpan, name: string, of: string): ReceivedSpan {
  const found = spans.filter((span) => span.parentSpanId === parent.spanId && span.name === name);
  expect(
    found.map(({ service: sender }) => sender),
    `${name} below ${parent.name}`,
  ).toEqual([of]);
  return found[0] as ReceivedSpan;
}

function expectWholeChain(spans: ReceivedSpan[], root: ReceivedSpan): void {
  child(spans, root, 'queue', gateway);
  const job = child(spans, root, 'job', gateway);
  const reference = child(spans, job, 'reference', gateway);
  const call = child(spans, job, generate, gateway);
  const upload = child(spans, job, 'upload', gateway);
  const inWorker = child(spans, call, generate, worker);
  stagesInWorker.forEach((stage) => child(spans, inWorker, stage, worker));
  if (s3 !== undefined) {
    child(spans, reference, 'S3 GetObject', gateway);
    child(spans, upload, 'S3 PutObject', gateway);
  }
  expect(upload.startedAt).toBeGreaterThanOrEqual(inWorker.endedAt);
}

describe('one trace', () => {
  it('leads from a POST to the put', async () => {
    const { traceId, callerSpan } = newTrace();
    const reply = await service.post(
      '/v1/images/memory',
      { user_id: 'ada', prompt: 'the lake', num_inference_steps: 5 },
      { headers: { traceparent: `00-${traceId}-${callerSpan}-01` } },
    );
    expect(reply.status).toBe(200);
    const spans = await spansOf(traceId, 'POST /v1/images/memory');
    console.log(collector.draw(traceId));
    const root = spans.find(({ name }) => name === 'POST /v1/images/memory') as ReceivedSpan;
    expect(root.parentSpanId).toBe(callerSpan);
    expectWholeChain(spans, root);
  });

  it('is kept with a job that nobody waits for', async () => {
    const { traceId, callerSpan } = newTrace();
    const reply = await service.post(
      '/v1/images/memory',
      { user_id: 'ada', prompt: 'the lake', num_inference_steps: 5 },
      { headers: { traceparent: `00-${traceId}-${callerSpan}-01`, prefer: 'respond-async' } },
    );
    expect(reply.status).toBe(202);
    const spans = await spansOf(traceId, 'POST /v1/images/memory');
    expectWholeChain(spans, spans.find(({ name }) => name === 'POST /v1/images/memory') as ReceivedSpan);
  });

  it('leads from a gRPC call to the put', async () => {
    const { traceId, callerSpan } = newTrace();
    const metadata = new Metadata();
    metadata.set('traceparent', `00-${traceId}-${callerSpan}-01`);
    const client = new IllustrationServiceClient(`127.0.0.1:${grpcPort}`, credentials.createInsecure());
    const { ended } = await toEnd(client.illustrate(aMemory({ numInferenceSteps: 5 }), metadata));
    client.close();
    expect(ended?.state).toBe(JobState.JOB_STATE_SUCCEEDED);
    const name = 'autobio.illustration.v1.IllustrationService/Illustrate';
    const spans = await spansOf(traceId, name);
    const root = spans.find((span) => span.name === name) as ReceivedSpan;
    expect(root.parentSpanId).toBe(callerSpan);
    expectWholeChain(spans, root);
  });

  it('names itself in the logs of both processes', async () => {
    const traced = service.logLines().filter((line) => line['trace_id'] !== undefined);
    expect(new Set(traced.map((line) => line.service))).toEqual(new Set(['gateway', 'worker']));
  });

  it('holds no word of what people wrote, and no probe', () => {
    expect(collector.spans.map(({ name }) => name).join()).not.toMatch(/health|lake/);
  });
});
