import { Server, ServerCredentials, status, type sendUnaryData, type ServerWritableStream } from '@grpc/grpc-js';
import { Logger } from '@nestjs/common';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';

import { WorkerServiceService } from '../../generated/autobio/worker/v1/worker.js';
import { type DescribeResponse } from '../../generated/autobio/worker/v1/model.js';
import { healthWatch, ServingStatus } from './grpc-health.js';
import { GrpcIllustrator } from './grpc-illustrator.js';

// What the gateway knows of the worker: told by the worker, each time it begins to serve.

const description: DescribeResponse = {
  workerVersion: '1.2.3',
  model: 'stabilityai/stable-diffusion-xl-base-1.0',
  isDemoModel: false,
  about: undefined,
  device: 'cuda',
  dtype: 'float16',
  ipAdapter: 'ip-adapter_sdxl_vit-h.safetensors',
  scheduler: 'EulerDiscreteScheduler',
  engine: 'batching',
  maxOutstandingJobs: 16,
  defaultImageSize: 1024,
  minImageSize: 64,
  maxImageSize: 1536,
  modelFiles: [{ role: 'base', source: 's3://models/sketch', kind: 'SDXL checkpoint', sha256: 'ab', sizeBytes: 7n }],
  modelDigest: 'cd',
  pictureSettings: 'reference_fit=crop',
  heldLoras: [{ loraId: 'oil', sha256: 'ef', sizeBytes: 8n }],
  maxLoraBytes: 9n,
  capacity: undefined,
};

/** A worker that serves, and describes itself after `refusals` answers that it cannot yet. */
class DescribingWorker {
  private readonly server = new Server();
  port = 0;
  questions = 0;
  refusals = 0;

  constructor(readonly maxOutstandingJobs: number) {
    this.server.addService(WorkerServiceService, {
      describe: (_: unknown, reply: sendUnaryData<DescribeResponse>) => {
        this.questions += 1;
        if (this.questions <= this.refusals) reply({ code: status.UNAVAILABLE, details: 'loading' });
        else reply(null, { ...description, maxOutstandingJobs });
      },
    });
    this.server.addService(
      { watch: healthWatch },
      { watch: (call: ServerWritableStream<string, number>) => call.write(ServingStatus.serving) },
    );
  }

  async listen(port = 0): Promise<void> {
    this.port = await new Promise<number>((resolve, reject) => {
      this.server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
  }

  stop(): void {
    this.server.forceShutdown();
  }
}

const within = { timeout: 5000, interval: 5 };
const cleanups: (() => void)[] = [];

async function start(maxOutstandingJobs: number, port?: number): Promise<DescribingWorker> {
  const worker = new DescribingWorker(maxOutstandingJobs);
  await worker.listen(port);
  cleanups.push(() => worker.stop());
  return worker;
}

function illustratorAt({ port }: DescribingWorker): GrpcIllustrator {
  const illustrator = new GrpcIllustrator(`127.0.0.1:${port}`);
  cleanups.push(() => illustrator.onApplicationShutdown());
  return illustrator;
}

beforeAll(() => Logger.overrideLogger(false));

afterEach(() => {
  for (const cleanup of cleanups.splice(0).toReversed()) cleanup();
});

describe('the profile of the worker', () => {
  it('is what the worker says of itself, and listeners are told', async () => {
    const illustrator = illustratorAt(await start(16));
    let told = 0;
    illustrator.onChange(() => (told += 1));
    expect(illustrator.profile()).toBeUndefined();
    illustrator.onModuleInit();
    await expect.poll(() => illustrator.profile(), within).toBeDefined();
    const { capacity: _, ...profile } = description;
    expect(illustrator.profile()).toEqual({
      ...profile,
      modelFiles: [{ ...description.modelFiles[0], sizeBytes: 7 }],
      heldLoras: [{ loraId: 'oil', sha256: 'ef', sizeBytes: 8 }],
      maxLoraBytes: 9,
    });
    // Once for the health, once for the profile.
    expect(told).toBe(2);
  });

  it('is asked for again until the worker answers', async () => {
    const worker = await start(16);
    worker.refusals = 2;
    const illustrator = illustratorAt(worker);
    illustrator.onModuleInit();
    await expect.poll(() => illustrator.profile()?.workerVersion, within).toBe('1.2.3');
    expect(worker.questions).toBe(3);
  });

  it('is that of the worker that serves now', async () => {
    const first = await start(16);
    const illustrator = illustratorAt(first);
    illustrator.onModuleInit();
    await expect.poll(() => illustrator.profile()?.maxOutstandingJobs, within).toBe(16);
    first.stop();
    await expect.poll(() => illustrator.availability().isReady, within).toBe(false);
    await start(4, first.port);
    await expect.poll(() => illustrator.profile()?.maxOutstandingJobs, within).toBe(4);
  });

  it('tells nobody who has stopped listening', async () => {
    const illustrator = illustratorAt(await start(16));
    let told = 0;
    illustrator.onChange(() => (told += 1))();
    illustrator.onModuleInit();
    await expect.poll(() => illustrator.profile(), within).toBeDefined();
    expect(told).toBe(0);
  });
});
