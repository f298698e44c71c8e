import { createHash } from 'node:crypto';
import { connect, createServer, type Socket } from 'node:net';

import {
  Metadata,
  Server,
  ServerCredentials,
  status,
  type sendUnaryData,
  type ServerReadableStream,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import { Logger } from '@nestjs/common';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';

import { DomainError } from '../../errors/domain-error.js';
import {
  IpAdapterMode,
  WorkerServiceService,
  type GenerateRequest,
  type GenerateResponse,
} from '../../generated/autobio/worker/v1/worker.js';
import { type PutLoraRequest, type PutLoraResponse } from '../../generated/autobio/worker/v1/model.js';
import { ErrorInfo } from '../../generated/google/rpc/error_details.js';
import { Status } from '../../generated/google/rpc/status.js';
import type { DrawingEvent, DrawingTask } from '../domain/illustrator.js';
import type { LoraFile } from '../domain/lora-file.js';
import { GrpcIllustrator } from './grpc-illustrator.js';

type Generate = ServerWritableStream<GenerateRequest, GenerateResponse>;
type PutLora = ServerReadableStream<PutLoraRequest, PutLoraResponse>;
interface Others {
  putLora: (call: PutLora, reply: sendUnaryData<PutLoraResponse>) => void;
}

const task: DrawingTask = {
  jobId: 'job-1',
  requestId: 'request-1',
  prompt: 'the lake',
  prompt2: 'sketch',
  negativePrompt: '',
  numInferenceSteps: 30,
  guidanceScale: 0,
  width: 1024,
  height: 768,
  seed: 4_000_000_000,
  people: [
    {
      referenceImages: Array.from({ length: 5 }, (_, at) => Buffer.alloc(10 * 1024 * 1024, at)),
      ipAdapterScale: 0.25,
      region: { left: 0, top: 0.25, right: 0.5, bottom: 1 },
    },
  ],
  ipAdapterMode: 'style_layout',
  previewEvery: 5,
};
const png = Buffer.alloc(3 * 1024 * 1024 + 17, 'picture');
const pngDigest = createHash('sha256').update(png).digest('hex');
const cleanups: (() => void)[] = [];

/** A worker that answers `Generate` by `generate`. Returns its address. */
async function startWorker(generate: (call: Generate) => void, others: Partial<Others> = {}): Promise<number> {
  const server = new Server({ 'grpc.max_receive_message_length': 64 * 1024 * 1024 });
  server.addService(WorkerServiceService, { generate, ...others });
  cleanups.push(() => server.forceShutdown());
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });
}

/** Something between gateway and worker that can be cut, as by `kill -9`: the connections end with no word of gRPC. */
async function startCable(port: number): Promise<{ port: number; cut(): void }> {
  const sockets = new Set<Socket>();
  const cable = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    for (const socket of [near, far]) sockets.add(socket.on('error', () => socket.destroy()));
    near.pipe(far).pipe(near);
  });
  const cut = (): void => {
    cable.close();
    for (const socket of sockets) socket.destroy();
  };
  cleanups.push(cut);
  await new Promise<void>((resolve) => cable.listen(0, '127.0.0.1', resolve));
  const address = cable.address();
  if (address === null || typeof address === 'string') throw new Error('does not listen');
  return { port: address.port, cut };
}

function illustratorAt(port: number): GrpcIllustrator {
  const illustrator = new GrpcIllustrator(`127.0.0.1:${port}`);
  cleanups.push(() => illustrator.onApplicationShutdown());
  return illustrator;
}

interface Draw {
  signal?: AbortSignal;
  deadline?: Date;
  onEvent?: (event: DrawingEvent) => void;
  change?: Partial<DrawingTask>;
}

async function draw(port: number, { signal, deadline, onEvent, change }: Draw = {}): Promise<DrawingEvent[]> {
  const events: DrawingEvent[] = [];
  const options = {
    signal: signal ?? new AbortController().signal,
    deadline: deadline ?? new Date(Date.now() + 10_000),
  };
  for await (const event of illustratorAt(port).draw({ ...task, ...change }, options)) {
    events.push(event);
    onEvent?.(event);
  }
  return events;
}

async function failureOf(work: Promise<unknown>): Promise<DomainError> {
  const error: unknown = await work.then(() => undefined).catch((thrown: unknown) => thrown);
  if (!(error instanceof DomainError)) throw new Error('did not fail with a DomainError', { cause: error });
  return error;
}

function step(index: number): GenerateResponse {
  return { event: { $case: 'step', value: { index, total: 30 } } };
}

function aLoraFile(sizeBytes: number, read: LoraFile['read']): LoraFile {
  return { loraId: 'oil', version: '"1"', sizeBytes, read };
}

function sendPicture(call: Generate, sha256 = pngDigest, loraSha256?: string): void {
  for (let at = 0; at < png.length; at += 512 * 1024) {
    call.write({ event: { $case: 'imageChunk', value: { data: png.subarray(at, at + 512 * 1024) } } });
  }
  const timings = { denoise: { seconds: 1n, nanos: 500_000_000 }, png: { seconds: 0n, nanos: 44_000_000 } };
  const deviceTime = { seconds: 0n, nanos: 750_000_000 };
  const value = {
    sha256,
    sizeBytes: BigInt(png.length),
    width: 1024,
    height: 768,
    timings,
    deviceTime,
    warnings: ['a cut prompt'],
    loraSha256,
  };
  call.write({ event: { $case: 'finished', value } });
}

/** A worker that tells of one step and then works for ever; `cancelled` gives the id of the job that is cancelled. */
async function startPatientWorker(): Promise<{ port: number; cancelled: Promise<string> }> {
  let tell: (jobId: string) => void;
  const cancelled = new Promise<string>((resolve) => (tell = resolve));
  const port = await startWorker((call) => {
    call.on('cancelled', () => tell(call.request.jobId));
    call.write(step(1));
  });
  return { port, cancelled };
}

beforeAll(() => Logger.overrideLogger(false));

afterEach(() => {
  for (const cleanup of cleanups.splice(0).toReversed()) cleanup();
});

describe('GrpcIllustrator', () => {
  it('sends the whole task and gives its events and the picture', async () => {
    let received: Generate | undefined;
    const port = await startWorker((call) => {
      received = call;
      call.write({ event: { $case: 'queued', value: { position: 2 } } });
      call.write({ event: { $case: 'started', value: {} } });
      call.write(step(1));
      sendPicture(call);
      call.end();
    });
    const events = await draw(port);
    const finished = events.pop();
    expect(events).toEqual([
      { type: 'queued', position: 2 },
      { type: 'started' },
      { type: 'step', index: 1, total: 30 },
    ]);
    if (finished?.type !== 'finished') throw new Error('no picture');
    const { png: drawn, ...rest } = finished.drawing;
    expect(drawn.equals(png)).toBe(true);
    expect(rest).toEqual({
      sha256: pngDigest,
      width: 1024,
      height: 768,
      timings: { queueMs: 0, encodeMs: 0, denoiseMs: 1500, decodeMs: 0, pngMs: 44 },
      deviceMs: 750,
      warnings: ['a cut prompt'],
    });
    // Buffers are compared by themselves: the test runner takes seconds for megabytes.
    const { people: sent, ipAdapterMode: _, ...words } = task;
    expect(received?.request).toMatchObject({ ...words, ipAdapterMode: IpAdapterMode.IP_ADAPTER_MODE_STYLE_LAYOUT });
    const [person] = received?.request.people ?? [];
    expect(person).toMatchObject({ ipAdapterScale: 0.25, region: sent[0]?.region });
    expect(person?.referenceImages.map((image, at) => sent[0]?.referenceImages[at]?.equals(image))).toEqual(
      Array.from({ length: 5 }, () => true),
    );
    expect(received?.metadata.get('x-request-id')).toEqual(['request-1']);
  });

  it('asks for checkpoints, passes them on however large, and gives one back', async () => {
    const state = Buffer.alloc(8 * 1024 * 1024, 'state');
    let received: GenerateRequest | undefined;
    const port = await startWorker((call) => {
      received = call.request;
      call.write({ event: { $case: 'preview', value: { index: 5, png: Buffer.from('small') } } });
      call.write({ event: { $case: 'checkpoint', value: { index: 10, state } } });
      sendPicture(call);
      call.end();
    });
    const checkpoint = { step: 3, state: Buffer.from('earlier') };
    const [preview, told] = await draw(port, { change: { checkpoint } });
    expect(received).toMatchObject({ wantsCheckpoints: true, checkpoint: checkpoint.state, previewEvery: 5 });
    expect(preview).toEqual({ type: 'preview', preview: { step: 5, png: Buffer.from('small') } });
    if (told?.type !== 'checkpoint') throw new Error('no checkpoint');
    expect([told.checkpoint.step, told.checkpoint.state.equals(state)]).toEqual([10, true]);
  });

  it('brings the LoRA that the worker asks for, and tells so, before the drawing goes on', async () => {
    const content = Buffer.alloc(1024 * 1024, 'weights');
    let received: GenerateRequest | undefined;
    const taken = Promise.withResolvers<Buffer[]>();
    const port = await startWorker(
      (call) => {
        received = call.request;
        call.write({ event: { $case: 'loraNeeded', value: {} } });
        void taken.promise.then(() => {
          call.write({ event: { $case: 'started', value: {} } });
          sendPicture(call, pngDigest, 'ab'.repeat(32));
          return call.end();
        });
      },
      {
        putLora: (call, reply) => {
          const pieces: Buffer[] = [];
          call.on('data', ({ part }: PutLoraRequest) => {
            if (part?.$case === 'chunk') pieces.push(part.value);
          });
          call.on('end', () => {
            reply(null, { sha256: '', kind: '' });
            taken.resolve(pieces);
          });
        },
      },
    );
    const file = aLoraFile(content.length, async function* () {
      yield content;
    });
    const events = await draw(port, { change: { lora: { file, scale: 0.5 } } });
    expect(received?.lora).toEqual({ loraId: 'oil', version: '"1"', scale: 0.5 });
    expect(Buffer.concat(await taken.promise).equals(content)).toBe(true);
    const types = events.map(({ type }) => type);
    expect(types.filter((type) => type !== 'lora')).toEqual(['started', 'finished']);
    expect(events[0]).toMatchObject({ type: 'lora', sentBytes: expect.any(Number) });
    expect(events.at(-1)).toMatchObject({ drawing: { loraSha256: 'ab'.repeat(32) } });
  });

  it('fails, and stops the drawing, when the LoRA cannot be brought', async () => {
    const gone = new DomainError('storage-unavailable', 'The LoRA went away before it was read.');
    // oxlint-disable-next-line require-yield -- it fails before the first piece
    const file = aLoraFile(1, async function* () {
      throw gone;
    });
    const cancelled = Promise.withResolvers<void>();
    const port = await startWorker(
      (call) => {
        call.on('cancelled', () => cancelled.resolve());
        call.write({ event: { $case: 'loraNeeded', value: {} } });
      },
      { putLora: (call) => void call.resume() },
    );
    expect(await failureOf(draw(port, { change: { lora: { file, scale: 1 } } }))).toBe(gone);
    await cancelled.promise;
  });

  it.each<[string, (call: Generate) => void]>([
    [
      'damaged',
      (call) =>
        sendPicture(
          call,
          pngDigest.replace(/^./, (digit) => (digit === '0' ? '1' : '0')),
        ),
    ],
    ['missing', (call) => call.write(step(30))],
  ])('does not pass on a picture that is %s', async (_, send) => {
    const port = await startWorker((call) => {
      send(call);
      call.end();
    });
    expect((await failureOf(draw(port))).reason).toBe('generation-failed');
  });

  it("passes on the worker's reason and sentence", async () => {
    const value = Buffer.from(
      ErrorInfo.encode({ reason: 'AVATAR_INVALID', domain: 'illustration.autobio', metadata: {} }).finish(),
    );
    const details = [{ typeUrl: 'type.googleapis.com/google.rpc.ErrorInfo', value }];
    const metadata = new Metadata();
    metadata.set('grpc-status-details-bin', Buffer.from(Status.encode({ code: 9, message: '', details }).finish()));
    const port = await startWorker((call) =>
      call.emit('error', { code: status.FAILED_PRECONDITION, details: 'The image has 17 frames.', metadata }),
    );
    const failure = await failureOf(draw(port));
    expect(failure).toMatchObject({ reason: 'avatar-invalid', detail: 'The image has 17 frames.' });
  });

  it('fails when the worker fails after the last piece', async () => {
    const port = await startWorker((call) => {
      sendPicture(call);
      call.emit('error', { code: status.INTERNAL, details: 'oh' });
    });
    expect((await failureOf(draw(port))).reason).toBe('generation-failed');
  });

  it('cancels at the worker when the signal is aborted, and says why', async () => {
    const gone = new AbortController();
    const { port, cancelled } = await startPatientWorker();
    const onEvent = (): void => gone.abort(new DomainError('canceled', 'The client left.'));
    const failure = await failureOf(draw(port, { signal: gone.signal, onEvent }));
    expect(failure).toMatchObject({ reason: 'canceled', detail: 'The client left.' });
    expect(await cancelled).toBe('job-1');
  });

  it('cancels at the worker when nobody reads on', async () => {
    const { port, cancelled } = await startPatientWorker();
    const options = { signal: new AbortController().signal, deadline: new Date(Date.now() + 10_000) };
    for await (const event of illustratorAt(port).draw(task, options)) if (event.type === 'step') break;
    expect(await cancelled).toBe('job-1');
  });

  it('asks for nothing when it is aborted before it begins', async () => {
    const failure = await failureOf(draw(1, { signal: AbortSignal.abort() }));
    expect(failure.reason).toBe('canceled');
  });

  it('gives up at the deadline', async () => {
    const port = await startWorker((call) => call.write(step(1)));
    const failure = await failureOf(draw(port, { deadline: new Date(Date.now() + 200) }));
    expect(failure.reason).toBe('deadline-exceeded');
  });

  it('is unavailable when the worker dies in the middle', async () => {
    const cable = await startCable(await startWorker((call) => call.write(step(1))));
    const failure = await failureOf(draw(cable.port, { onEvent: () => cable.cut() }));
    expect(failure).toMatchObject({ reason: 'worker-unavailable', detail: 'The worker that draws does not answer.' });
  });

  it('is unavailable when there is no worker, and draws once there is one again', async () => {
    const port = await startWorker((call) => {
      sendPicture(call);
      call.end();
    });
    const cable = await startCable(port);
    cable.cut();
    expect((await failureOf(draw(cable.port))).reason).toBe('worker-unavailable');
    expect((await draw(port)).at(-1)?.type).toBe('finished');
  });
});
