import { Server, ServerCredentials, type Channel, type ServerWritableStream } from '@grpc/grpc-js';
import { Logger } from '@nestjs/common';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { healthWatch, ServingStatus } from './grpc-health.js';
import { openWorkerChannel } from './worker-channel.js';
import { WorkerHealth } from './worker-health.js';

type Watch = ServerWritableStream<string, number>;

/** A worker of which only the health service exists. */
class HealthServer {
  readonly server = new Server();
  readonly watched: string[] = [];
  private readonly watches: Watch[] = [];
  private status: number = ServingStatus.notServing;

  constructor() {
    this.server.addService(
      { watch: healthWatch },
      {
        watch: (call: Watch) => {
          this.watched.push(call.request);
          this.watches.push(call);
          call.write(this.status);
        },
      },
    );
  }

  async listen(port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
  }

  become(status: number): void {
    this.status = status;
    for (const watch of this.watches) watch.write(status);
  }
}

const withinMs = { timeout: 2000, interval: 5 };
let worker: HealthServer;
let port: number;
let channel: Channel;
let health: WorkerHealth;

function reason(): string {
  const availability = health.availability();
  return availability.isReady ? 'ready' : availability.error.reason;
}

beforeAll(() => Logger.overrideLogger(false));

beforeEach(async () => {
  worker = new HealthServer();
  port = await worker.listen(0);
  channel = openWorkerChannel(`127.0.0.1:${port}`);
  health = new WorkerHealth(channel);
});

afterEach(() => {
  health.stop();
  channel.close();
  worker.server.forceShutdown();
});

describe('WorkerHealth', () => {
  it('is starting until the worker serves, then ready', async () => {
    expect(reason()).toBe('starting');
    health.start();
    await expect.poll(() => worker.watched, withinMs).toEqual(['autobio.worker.v1.WorkerService']);
    expect(reason()).toBe('starting');
    worker.become(ServingStatus.serving);
    await expect.poll(reason, withinMs).toBe('ready');
  });

  it('is draining when the worker stops serving', async () => {
    worker.become(ServingStatus.serving);
    health.start();
    await expect.poll(reason, withinMs).toBe('ready');
    worker.become(ServingStatus.notServing);
    await expect.poll(reason, withinMs).toBe('draining');
  });

  it('knows within two seconds that the worker is gone, and comes back by itself', async () => {
    worker.become(ServingStatus.serving);
    health.start();
    await expect.poll(reason, withinMs).toBe('ready');
    worker.server.forceShutdown();
    await expect.poll(reason, withinMs).toBe('worker-unavailable');

    worker = new HealthServer();
    await worker.listen(port);
    await expect.poll(reason, withinMs).toBe('starting');
    worker.become(ServingStatus.serving);
    await expect.poll(reason, withinMs).toBe('ready');
  });

  it('finds a worker that is started after the gateway', async () => {
    worker.server.forceShutdown();
    health.start();
    const first = worker;
    worker = new HealthServer();
    worker.become(ServingStatus.serving);
    expect(reason()).toBe('starting');
    await worker.listen(port);
    await expect.poll(reason, withinMs).toBe('ready');
    expect(first.watched).toEqual([]);
  });

  it('does not try again once stopped', async () => {
    worker.become(ServingStatus.serving);
    health.start();
    await expect.poll(reason, withinMs).toBe('ready');
    health.stop();
    health.start();
    // Calls on one connection arrive in order: once this one has, an earlier one would have.
    health = new WorkerHealth(channel);
    health.start();
    await expect.poll(reason, withinMs).toBe('ready');
    expect(worker.watched).toHaveLength(2);
  });
});
