// The whole gateway as it is served, both faces, with an embedded database and store in a folder of its own and the fake
// illustrator, which a test can hold.
import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { credentials, type Metadata } from '@grpc/grpc-js';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AppModule } from '../../apps/gateway/src/app.module.js';
import { AppConfigModule } from '../../apps/gateway/src/config/config.module.js';
import { loadConfig } from '../../apps/gateway/src/config/load-config.js';
import { IllustrationServiceClient } from '../../apps/gateway/src/generated/autobio/illustration/v1/illustration.js';
import { createApp } from '../../apps/gateway/src/http/create-app.js';
import { listen } from '../../apps/gateway/src/http/listen.js';
import { type DrawingEvent, Illustrator } from '../../apps/gateway/src/illustration/domain/illustrator.js';
import { connectGrpc } from '../../apps/gateway/src/illustration/grpc/connect-grpc.js';
import type { JobView } from '../../apps/gateway/src/illustration/job-view.js';
import { JobStore } from '../../apps/gateway/src/jobs/job-store.js';
import { ObjectStore } from '../../apps/gateway/src/storage/object-store.js';
import { canary } from '../../scripts/privacy/canary.mjs';
import { copyEmptyDatabase } from './pglite-template.js';

/** Holds every drawing before its second step, or its only one, until it is released or aborted. */
class DrawingGate {
  private opened: Promise<void> = Promise.resolve();
  private open: () => void = () => undefined;

  constructor(illustrator: Illustrator) {
    const draw = illustrator.draw.bind(illustrator);
    illustrator.draw = (...args: Parameters<Illustrator['draw']>) => this.throughGate(draw(...args), args[1].signal);
  }

  hold(): void {
    this.opened = new Promise((resolve) => (this.open = resolve));
  }

  release(): void {
    this.open();
  }

  private async *throughGate(events: AsyncIterable<DrawingEvent>, signal: AbortSignal): AsyncIterable<DrawingEvent> {
    const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    for await (const event of events) {
      const isHeld = event.type === 'step' && event.index === Math.min(2, event.total);
      if (isHeld) await Promise.race([this.opened, aborted]);
      yield event;
    }
  }
}

export class WholeApp {
  private constructor(
    readonly app: NestExpressApplication,
    readonly url: string,
    readonly grpcAddress: string,
    readonly drawings: DrawingGate,
    private readonly folder: string,
  ) {}

  /** @param env settings on top of the embedded defaults */
  static async start(env: Record<string, string> = {}): Promise<WholeApp> {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'illustration-app-'));
    await copyEmptyDatabase(path.join(folder, 'database'));
    const config = loadConfig({
      DATA_DIR: folder,
      ILLUSTRATOR: 'fake',
      LOG_LEVEL: 'silent',
      GRPC_PORT: '0',
      DEFAULT_NUM_INFERENCE_STEPS: '3',
      SHUTDOWN_GRACE_SECONDS: '5',
      // Most tests are about drawing.
      RESULT_CACHE_TTL_SECONDS: '0',
      ...env,
    });
    const app = await createApp(AppModule.with(AppConfigModule.of(config)));
    const grpcPort = await connectGrpc(app);
    const port = await listen(app.getHttpServer(), { host: '127.0.0.1', port: 0 });
    const drawings = new DrawingGate(app.get(Illustrator, { strict: false }));
    const store = app.get(ObjectStore);
    await store.put('avatars/ada.png', Buffer.from('avatar'), 'image/png');
    await store.put('subjects/ada.png', Buffer.from('photo'), 'image/png');
    return new WholeApp(app, `http://127.0.0.1:${port}`, `127.0.0.1:${grpcPort}`, drawings, folder);
  }

  get server(): Server {
    return this.app.getHttpServer();
  }

  get jobs(): JobStore {
    return this.app.get(JobStore);
  }

  grpcClient(): IllustrationServiceClient {
    return new IllustrationServiceClient(this.grpcAddress, credentials.createInsecure());
  }

  /** Accepts a job over REST, without waiting for it. @returns its id */
  async accept(fields: object = {}, headers: Record<string, string> = {}): Promise<string> {
    const response = await fetch(`${this.url}/v1/images/memory`, {
      method: 'POST',
      body: JSON.stringify({ user_id: 'ada', prompt: `the lake ${canary}`, ...fields }),
      headers: { 'content-type': 'application/json', prefer: 'respond-async', ...headers },
    });
    const body = (await response.json()) as { job_id: string };
    if (response.status !== 202) throw new Error(`${response.status}: ${JSON.stringify(body)}`);
    return body.job_id;
  }

  async job(id: string): Promise<JobView> {
    const response = await fetch(`${this.url}/v1/jobs/${id}`);
    return (await response.json()) as JobView;
  }

  async stop(): Promise<void> {
    this.drawings.release();
    await this.app.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

export function firstOf(metadata: Metadata, name: string): string | undefined {
  return metadata.get(name)[0]?.toString();
}
