import { createServer, type Server } from 'node:http';
import type { Duplex } from 'node:stream';

import { ExpressAdapter } from '@nestjs/platform-express';

import { answerUnreadableRequest, type Exchange } from './unreadable-request.js';
import { takeUnusualRequests } from './unusual-requests.js';

/**
 * Time limits of the server. Node's own let a caller send headers for 90 s and a body for ever, and close idle
 * connections after 5 s: before a load balancer does, which then answers 502. A balancer's idle timeout must be longer than
 * the 120 s that callers wait for an answer (deploy/service.json), and ours longer than the balancer's.
 */
export const serverLimits = {
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  connectionsCheckingInterval: 1_000,
  keepAliveTimeout: 130_000,
} as const;

/** For answers that are on their way when the listener closes; idle connections end at once. */
const lastWordsMs = 200;

/** Express with our server limits, and with a say in the shutdown before any module is torn down. */
export class GatewayHttpAdapter extends ExpressAdapter {
  private drain: (() => Promise<void>) | undefined;

  override initHttpServer(): void {
    // Node's own answer to a request without Host has no body: see require-host.ts.
    const server = createServer({ ...serverLimits, requireHostHeader: false }, this.getInstance());
    const exchanges = new WeakMap<Duplex, Exchange>();
    server.prependListener('request', (request, response) => {
      exchanges.set(request.socket, { request, response, path: request.url?.split('?', 1)[0] });
    });
    server.on('clientError', (error, socket) => answerUnreadableRequest(error, socket, exchanges.get(socket)));
    takeUnusualRequests(server);
    this.setHttpServer(server);
  }

  /** `drain` runs first when the application closes, while every module still works. */
  drainWith(drain: () => Promise<void>): void {
    this.drain = drain;
  }

  // Nest awaits this before onModuleDestroy, where modules close what requests in flight still need.
  // oxlint-disable-next-line typescript/no-misused-promises -- declared void, awaited by NestApplication.prepareClose
  override async beforeClose(): Promise<void> {
    await this.drain?.();
    super.beforeClose();
  }

  /** Closes the listener, lets last words out, and cuts what is left: who is in flight after the drain had its time. */
  override async close(): Promise<void> {
    const server = this.getHttpServer() as Server;
    if (!server.listening) {
      return;
    }
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    const cutOff = setTimeout(() => server.closeAllConnections(), lastWordsMs);
    await closed;
    clearTimeout(cutOff);
  }
}
