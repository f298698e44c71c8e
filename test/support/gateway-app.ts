// The whole gateway as a real application in this process, with the fake illustrator and folders of its own.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Server } from 'node:http';
import { Logger } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import request, { type Test } from 'supertest';
import { AppModule } from '../../apps/gateway/src/app.module.js';
import { AppConfigModule } from '../../apps/gateway/src/config/config.module.js';
import { loadConfig } from '../../apps/gateway/src/config/load-config.js';
import { createApp } from '../../apps/gateway/src/http/create-app.js';
import { listen } from '../../apps/gateway/src/http/listen.js';
import {
  Illustrator,
  type DrawingEvent,
  type DrawingTask,
  type IllustratorAvailability,
} from '../../apps/gateway/src/illustration/domain/illustrator.js';
import { FakeIllustrator } from '../../apps/gateway/src/illustration/worker/fake-illustrator.js';
import { isFinal, type Job } from '../../apps/gateway/src/jobs/domain/job.js';
import { JobStore } from '../../apps/gateway/src/jobs/job-store.js';
import { until } from './running-service.js';
import { ObjectStore } from '../../apps/gateway/src/storage/object-store.js';

/** What the application's fake was asked, and how it goes: tests hold it, and look at it. */
export class FakeControl {
  readonly tasks: DrawingTask[] = [];
  /** How drawings that did not finish ended. */
  readonly failures: unknown[] = [];
  availability: IllustratorAvailability = { isReady: true };
  /** Drawings begun while this is true go on until they are aborted. */
  isHeld = false;

  constructor(fake: FakeIllustrator) {
    const draw = fake.draw.bind(fake);
    fake.draw = (task, options) => this.draw(task, options, draw);
    fake.availability = () => this.availability;
  }

  /** As at the start; what is under way goes on. */
  reset(): void {
    this.tasks.length = 0;
    this.failures.length = 0;
    this.availability = { isReady: true };
    this.isHeld = false;
  }

  private async *draw(
    task: DrawingTask,
    options: Parameters<Illustrator['draw']>[1],
    draw: FakeIllustrator['draw'],
  ): AsyncGenerator<DrawingEvent> {
    this.tasks.push(task);
    try {
      yield* this.isHeld ? new FakeIllustrator(60_000).draw(task, options) : draw(task, options);
    } catch (error) {
      this.failures.push(error);
      throw error;
    }
  }
}

export class GatewayApp {
  private constructor(
    readonly app: NestExpressApplication,
    readonly fake: FakeControl,
    readonly url: string,
    private readonly folder: string,
  ) {}

  /** @param env settings on top of the embedded defaults */
  static async start(env: Record<string, string> = {}): Promise<GatewayApp> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'illustration-gateway-'));
    const config = loadConfig({
      ILLUSTRATOR: 'fake',
      LOG_LEVEL: 'silent',
      DATA_DIR: folder,
      PORT: '0',
      DEFAULT_NUM_INFERENCE_STEPS: '2',
      ...env,
    });
    Logger.overrideLogger(false);
    const app = await createApp(AppModule.with(AppConfigModule.of(config)));
    const port = await listen(app.getHttpServer(), { host: '127.0.0.1', port: 0 });
    const fake = new FakeControl(app.get<FakeIllustrator>(Illustrator, { strict: false }));
    return new GatewayApp(app, fake, `http://127.0.0.1:${port}`, folder);
  }

  get objects(): ObjectStore {
    return this.app.get(ObjectStore);
  }

  get jobs(): JobStore {
    return this.app.get(JobStore);
  }

  post(kind: 'memory' | 'subject', body: object, headers: Record<string, string> = {}): Test {
    return request(this.url).post(`/v1/images/${kind}`).set(headers).send(body);
  }

  /** Keys of the results in the store. */
  results(): string[] {
    const folder = path.join(this.folder, 'objects', 'generated');
    if (!fs.existsSync(folder)) return [];
    return fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.png'));
  }

  /** The newest job. */
  async latestJob(): Promise<Job> {
    const { jobs } = await this.jobs.list('default', { pageSize: 1 });
    if (jobs[0] === undefined) throw new Error('there is no job');
    return jobs[0];
  }

  /** Ends what an earlier test has left running. */
  async cancelAll(): Promise<void> {
    const { jobs } = await this.jobs.list('default', { pageSize: 100 });
    const open = jobs.filter(({ state }) => !isFinal(state));
    await Promise.all(open.map(({ tenant, id }) => this.jobs.requestCancel(tenant, id)));
    for (const { tenant, id } of open) {
      await until('the job has ended', async () => isFinal((await this.jobs.get(tenant, id)).state));
    }
  }

  /** Resolves when the server has no connection left: all calls are answered or their callers' leaving was noticed. */
  async untilNoCallIsOpen(): Promise<void> {
    const server: Server = this.app.getHttpServer();
    const count = (): Promise<number> =>
      new Promise((resolve, reject) => {
        server.getConnections((error, open) => (error === null ? resolve(open) : reject(error)));
      });
    await until('no call is open', async () => (await count()) === 0);
  }

  async stop(): Promise<void> {
    await this.app.close();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}
