import { randomBytes } from 'node:crypto';

import {
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  status,
  type sendUnaryData,
  type ServerReadableStream,
} from '@grpc/grpc-js';
import { Logger } from '@nestjs/common';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { DomainError } from '../../errors/domain-error.js';
import { WorkerServiceClient, WorkerServiceService } from '../../generated/autobio/worker/v1/worker.js';
import { type PutLoraRequest, type PutLoraResponse } from '../../generated/autobio/worker/v1/model.js';
import { ErrorInfo } from '../../generated/google/rpc/error_details.js';
import { Status } from '../../generated/google/rpc/status.js';
import type { LoraFile } from '../domain/lora-file.js';
import { LoraCourier } from './lora-courier.js';

type Put = ServerReadableStream<PutLoraRequest, PutLoraResponse>;

// Bringing LoRAs to a worker of which only `PutLora` exists.

class TakingWorker {
  readonly files: { loraId: string; version: string; pieces: Buffer[] }[] = [];
  readonly cancelled: string[] = [];
  /** Files that came to their end. */
  taken = 0;
  /** Uploads are read on only while this is open. */
  gate: Promise<void> = Promise.resolve();
  /** Answers instead of taking the file. */
  refuse: ((reply: sendUnaryData<PutLoraResponse>) => void) | undefined;
  private readonly server = new Server();

  async listen(): Promise<number> {
    this.server.addService(WorkerServiceService, {
      putLora: (call: Put, reply: sendUnaryData<PutLoraResponse>) => void this.take(call, reply),
    });
    return new Promise((resolve, reject) => {
      this.server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
        error === null ? resolve(port) : reject(error),
      );
    });
  }

  stop(): void {
    this.server.forceShutdown();
  }

  private async take(call: Put, reply: sendUnaryData<PutLoraResponse>): Promise<void> {
    const file = { loraId: '', version: '', pieces: [] as Buffer[] };
    call.on('cancelled', () => this.cancelled.push(file.loraId));
    call.on('error', () => undefined);
    for await (const { part } of call as AsyncIterable<PutLoraRequest>) {
      if (part?.$case === 'header') {
        Object.assign(file, { loraId: part.value.loraId, version: part.value.version });
        this.files.push(file);
        if (this.refuse !== undefined) return this.refuse(reply);
      }
      if (part?.$case === 'chunk') file.pieces.push(part.value);
      await this.gate;
    }
    // A cancelled call ends its messages too.
    if (call.cancelled) return;
    this.taken += 1;
    reply(null, { sha256: '', kind: 'LoRA (diffusers)' });
  }
}

/** A file that comes in pieces of any size, and how often it was read. */
function aFile(fields: Partial<LoraFile> = {}, content = randomBytes(3 * 1024 * 1024 + 17)) {
  const told = { reads: 0, closed: 0, content };
  const file: LoraFile = {
    loraId: 'oil',
    version: '"1"',
    sizeBytes: content.length,
    async *read() {
      told.reads += 1;
      try {
        for (let at = 0; at < content.length; at += 65_537) yield content.subarray(at, at + 65_537);
      } finally {
        told.closed += 1;
      }
    },
    ...fields,
  };
  return { file, told };
}

const within = { timeout: 5000, interval: 5 };
let worker: TakingWorker;
let client: WorkerServiceClient;
let courier: LoraCourier;

beforeAll(() => Logger.overrideLogger(false));
beforeEach(async () => {
  worker = new TakingWorker();
  client = new WorkerServiceClient(`127.0.0.1:${await worker.listen()}`, credentials.createInsecure());
  courier = new LoraCourier(client);
});
afterEach(() => {
  client.close();
  worker.stop();
});

async function bring(file: LoraFile, options: { signal?: AbortSignal; deadline?: Date } = {}): Promise<number[]> {
  const sent: number[] = [];
  const { signal = new AbortController().signal, deadline = new Date(Date.now() + 20_000) } = options;
  for await (const bytes of courier.bring(file, { signal, deadline })) sent.push(bytes);
  return sent;
}

async function failureOf(work: Promise<unknown>): Promise<DomainError> {
  const error: unknown = await work.then(() => undefined).catch((thrown: unknown) => thrown);
  if (!(error instanceof DomainError)) throw new Error('did not fail with a DomainError', { cause: error });
  return error;
}

/** Keeps the worker from reading on. @returns how to let it */
function closeGate(): () => void {
  const gate = Promise.withResolvers<void>();
  worker.gate = gate.promise;
  return gate.resolve;
}

describe('LoraCourier', () => {
  it('sends a file whole, in pieces of 512 KiB, and tells how far it is', async () => {
    const { file, told } = aFile();
    const sent = await bring(file);
    const [taken] = worker.files;
    expect(taken).toMatchObject({ loraId: 'oil', version: '"1"' });
    expect(taken?.pieces.map(({ length }) => length)).toEqual([...Array.from({ length: 6 }, () => 512 * 1024), 17]);
    expect(Buffer.concat(taken?.pieces ?? []).equals(told.content)).toBe(true);
    expect(sent).toEqual(sent.toSorted((one, other) => one - other));
    expect(sent.length).toBeGreaterThan(0);
  });

  it('sends one file once, however many wait for it', async () => {
    const open = closeGate();
    const { file, told } = aFile();
    const waiting = Array.from({ length: 5 }, () => bring(file));
    await expect.poll(() => worker.files.length, within).toBe(1);
    open();
    await Promise.all(waiting);
    expect([worker.files.length, told.reads]).toEqual([1, 1]);
  });

  it('sends another version, another LoRA and one that was evicted again', async () => {
    await Promise.all([
      bring(aFile().file),
      bring(aFile({ version: '"2"' }).file),
      bring(aFile({ loraId: 'ink' }).file),
    ]);
    expect(worker.files.map(({ loraId, version }) => loraId + version).toSorted()).toEqual([
      'ink"1"',
      'oil"1"',
      'oil"2"',
    ]);
    await bring(aFile().file);
    expect(worker.files).toHaveLength(4);
  });

  it('reads no further than the worker takes', async () => {
    const open = closeGate();
    const { file, told } = aFile({}, randomBytes(64 * 1024 * 1024));
    let readBytes = 0;
    const counted: LoraFile = {
      ...file,
      async *read(signal) {
        for await (const piece of file.read(signal)) {
          readBytes += piece.length;
          yield piece;
        }
      },
    };
    const bringing = bring(counted);
    await expect.poll(() => readBytes, within).toBeGreaterThan(0);
    let before = -1;
    await expect
      .poll(
        () => {
          const isStill = before === readBytes;
          before = readBytes;
          return isStill;
        },
        { timeout: 5000, interval: 100 },
      )
      .toBe(true);
    expect(readBytes).toBeLessThan(told.content.length / 2);
    open();
    await bringing;
    expect(readBytes).toBe(told.content.length);
  }, 20_000);

  it('goes on while anybody waits, and stops when nobody does', async () => {
    closeGate();
    const { file, told } = aFile({}, randomBytes(64 * 1024 * 1024));
    const [first, second] = [new AbortController(), new AbortController()];
    const failures = [
      failureOf(bring(file, { signal: first.signal })),
      failureOf(bring(file, { signal: second.signal })),
    ];
    await expect.poll(() => worker.files.length, within).toBe(1);
    first.abort(new DomainError('canceled', 'The client left.'));
    expect(await failures[0]).toMatchObject({ reason: 'canceled', detail: 'The client left.' });
    expect([worker.cancelled, told.closed]).toEqual([[], 0]);
    second.abort();
    expect((await failures[1])?.reason).toBe('canceled');
    await expect.poll(() => [worker.cancelled, told.closed], within).toEqual([['oil'], 1]);
  });

  it('begins anew for whoever comes after everybody has left', async () => {
    const open = closeGate();
    const { file } = aFile();
    const gone = new AbortController();
    const left = failureOf(bring(file, { signal: gone.signal }));
    await expect.poll(() => worker.files.length, within).toBe(1);
    gone.abort();
    await left;
    open();
    await bring(file);
    expect(worker.files).toHaveLength(2);
  });

  it('gives up at the deadline of the drawing', async () => {
    closeGate();
    const failure = await failureOf(bring(aFile().file, { deadline: new Date(Date.now() + 100) }));
    expect(failure.reason).toBe('deadline-exceeded');
  });

  it("passes on the worker's reason and sentence, though it answers before it has the file", async () => {
    const value = Buffer.from(
      ErrorInfo.encode({ reason: 'LORA_INVALID', domain: 'illustration.autobio', metadata: {} }).finish(),
    );
    const details = [{ typeUrl: 'type.googleapis.com/google.rpc.ErrorInfo', value }];
    const metadata = new Metadata();
    metadata.set('grpc-status-details-bin', Buffer.from(Status.encode({ code: 9, message: '', details }).finish()));
    worker.refuse = (reply) => reply({ code: status.FAILED_PRECONDITION, details: 'It is for SD 1.5.', metadata });
    const { file, told } = aFile({}, randomBytes(64 * 1024 * 1024));
    expect(await failureOf(bring(file))).toMatchObject({ reason: 'lora-invalid', detail: 'It is for SD 1.5.' });
    await expect.poll(() => told.closed, within).toBe(1);
  });

  it('is done when the worker says that it has the file already', async () => {
    worker.refuse = (reply) => reply(null, { sha256: '', kind: 'LoRA (diffusers)' });
    const { file, told } = aFile({}, randomBytes(64 * 1024 * 1024));
    await bring(file);
    await expect.poll(() => told.closed, within).toBe(1);
  });

  it('passes on why the file cannot be read, and hands over no part of one', async () => {
    const gone = new DomainError('storage-unavailable', 'The LoRA was replaced while it was read.');
    const { file } = aFile({
      // oxlint-disable-next-line require-yield -- it fails before the first piece
      async *read() {
        throw gone;
      },
    });
    expect(await failureOf(bring(file))).toBe(gone);
    const { file: short } = aFile({
      async *read() {
        yield Buffer.from('half of i');
        await expect.poll(() => worker.files.length, within).toBe(1);
      },
    });
    expect(await failureOf(bring(short))).toMatchObject({
      reason: 'storage-unavailable',
      detail: 'The LoRA did not come whole.',
    });
    await expect.poll(() => worker.cancelled, within).toContain('oil');
    expect(worker.taken).toBe(0);
  });

  it('is unavailable when the worker dies', async () => {
    closeGate();
    const failure = failureOf(bring(aFile({}, randomBytes(64 * 1024 * 1024)).file));
    await expect.poll(() => worker.files.length, within).toBe(1);
    worker.stop();
    expect((await failure).reason).toBe('worker-unavailable');
  });
});
