import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';

import { AppConfig } from '../../config/app-config.js';
import { Drain } from '../../http/drain.js';
import { listen } from '../../http/listen.js';
import { Illustrator } from '../../illustration/domain/illustrator.js';
import { Metrics } from './metrics.js';

/**
 * Serves `/metrics` on a port of its own, without a credential: who may reach it is the network's business. It answers
 * from before the first request until after the last one, so that a scrape sees the whole drain.
 */
@Injectable()
export class MetricsServer implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(MetricsServer.name);
  private server: Server | undefined;
  private metrics: Metrics | undefined;
  /** The port listened on; undefined: metrics are off. */
  port: number | undefined;

  constructor(
    private readonly config: AppConfig,
    private readonly drain: Drain,
    private readonly illustrator: Illustrator,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const { host, port } = this.config.metrics;
    if (port === undefined) return;
    const metrics = new Metrics({
      isDraining: () => this.drain.isDraining,
      isWorkerReady: () => this.illustrator.availability().isReady,
    });
    metrics.watch();
    this.metrics = metrics;
    this.server = createServer((request, response) => void answer(metrics, request, response));
    this.port = await listen(this.server, { host, port });
    this.logger.log({ host, port: this.port }, `metrics on http://${host}:${this.port}/metrics`);
  }

  onApplicationShutdown(): void {
    this.metrics?.stop();
    this.server?.close();
    this.server?.closeAllConnections();
  }
}

async function answer(metrics: Metrics, { url, method }: IncomingMessage, response: ServerResponse): Promise<void> {
  if (url?.split('?', 1)[0] !== '/metrics' || method !== 'GET') {
    response.writeHead(404, { 'Content-Type': 'text/plain' }).end('There is only GET /metrics here.\n');
    return;
  }
  const text = await metrics.registry.metrics();
  response.writeHead(200, { 'Content-Type': metrics.registry.contentType }).end(text);
}
