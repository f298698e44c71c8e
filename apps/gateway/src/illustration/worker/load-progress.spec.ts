import { Server, ServerCredentials, status, type sendUnaryData, type ServerWritableStream } from '@grpc/grpc-js';
import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { DomainError } from '../../errors/domain-error.js';
import { WorkerServiceService } from '../../generated/autobio/worker/v1/worker.js';
import { type GetLoadProgressResponse } from '../../generated/autobio/worker/v1/model.js';
import { healthWatch, ServingStatus } from './grpc-health.js';
import { GrpcIllustrator } from './grpc-illustrator.js';

/** A worker that loads: it tells how far it is, and serves when it is told to. */
class LoadingWorker {
  progress: GetLoadProgressResponse | undefined;
  questions = 0;
  private readonly server = new Server();
  private readonly watches: ServerWritableStream<string, number>[] = [];

  async listen(): Promise<number> {
    this.server.addService(WorkerServiceService, {
      getLoadProgress: (_: unknown, reply: sendUnaryData<GetLoadProgressResponse>) => {
        this.questions += 1;
        if (this.progress === undefined) reply({ code: status.UNIMPLEMENTED, details: 'an old worker' });
        else reply(null, this.progress);
      },
      describe: (_: unknown, reply: sendUnaryData<never>) => reply({ code: status.UNAVAILABLE, details: 'loading' }),
    });
    this.server.addService(
      { watch: healthWatch },
      {
        watch: (call: ServerWritableStream<string, number>) => {
          this.watches.push(call);
          call.write(ServingStatus.notServing);
        },
      },
    );
    return new Promise((resolve, reject) => {
      this.server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
        error === null ? resolve(port) : reject(error),
      );
    });
  }

  serve(): void {
    this.watches.forEach((watch) => watch.write(ServingStatus.serving));
  }

  stop(): void {
    this.server.forceShutdown();
  }
}

const within = { timeout: 5000, interval: 10 };
const written = vi.fn<() => void>();
let worker: LoadingWorker;
let illustrator: GrpcIllustrator;

beforeEach(async () => {
  written.mockReset();
  const logger = { log: written, warn: written, error: written };
  Logger.overrideLogger(logger);
  worker = new LoadingWorker();
  illustrator = new GrpcIllustrator(`127.0.0.1:${await worker.listen()}`);
});
afterEach(() => {
  illustrator.onApplicationShutdown();
  worker.stop();
});

function failure(): DomainError | undefined {
  const availability = illustrator.availability();
  return availability.isReady ? undefined : availability.error;
}

describe('a worker that loads its model', () => {
  it.each<[string, GetLoadProgressResponse, string, number | undefined]>([
    [
      'downloads',
      {
        phase: 'downloading s3://models/sketch.safetensors',
        doneBytes: 2_914_000_000n,
        totalBytes: 6_938_040_682n,
        timeLeft: { seconds: 34n, nanos: 200_000_000 },
      },
      'The worker is downloading s3://models/sketch.safetensors: 42 % of 6.9 GB, about 35 s left.',
      35,
    ],
    [
      'does not know how much there is',
      { phase: 'downloading stabilityai/sdxl', doneBytes: 1_500_000n },
      'The worker is downloading stabilityai/sdxl: 1.5 MB so far.',
      undefined,
    ],
    ['loads', { phase: 'loading' }, 'The worker is loading.', undefined],
    ['is almost there', { phase: 'ready' }, 'The worker is about to be ready.', undefined],
    [
      'takes long',
      { phase: 'downloading', doneBytes: 0n, totalBytes: 999n, timeLeft: { seconds: 600n, nanos: 0 } },
      'The worker is downloading: 0 % of 999 bytes, about 10 min left.',
      300,
    ],
  ])('says so when it %s', async (_, progress, detail, retryAfterSeconds) => {
    worker.progress = progress;
    illustrator.onModuleInit();
    await expect.poll(() => failure()?.detail, within).toBe(detail);
    expect(failure()?.reason).toBe('starting');
    expect(failure()?.options.retryAfterSeconds).toBe(retryAfterSeconds);
  });

  it('is asked again and again, and no more once it serves; the log hears nothing of it', async () => {
    worker.progress = { phase: 'loading' };
    illustrator.onModuleInit();
    await expect.poll(() => worker.questions, within).toBeGreaterThan(1);
    expect(written).not.toHaveBeenCalled();
    worker.progress = { phase: 'warming up' };
    await expect.poll(() => failure()?.detail, within).toBe('The worker is warming up.');
    worker.serve();
    await expect.poll(() => illustrator.availability().isReady, within).toBe(true);
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    const before = worker.questions;
    await vi.advanceTimersByTimeAsync(10_000);
    vi.useRealTimers();
    expect(worker.questions).toBe(before);
  });

  it('is said to load when it does not know how far it is', async () => {
    illustrator.onModuleInit();
    await expect.poll(() => worker.questions, within).toBeGreaterThan(0);
    await expect.poll(() => failure()?.detail, within).toBe('The worker is still loading its model.');
  });
});
