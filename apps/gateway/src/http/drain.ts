import type { IncomingMessage, Server, ServerResponse } from 'node:http';

import { Injectable, Logger } from '@nestjs/common';

import { AppConfig } from '../config/app-config.js';

/**
 * The service's last act. Once it begins, readiness fails, new work is refused and the requests in flight finish, at
 * most for the grace time. The listener stays open meanwhile: a load balancer goes on sending for some seconds, and
 * `draining` tells it more than a refused connection.
 */
@Injectable()
export class Drain {
  private readonly logger = new Logger(Drain.name);
  private readonly inFlight = new Set<ServerResponse>();
  private readonly beginning = new AbortController();

  constructor(private readonly config: AppConfig) {}

  get isDraining(): boolean {
    return this.begun.aborted;
  }

  /** Aborted when the shutdown begins: what would never end by itself ends now. */
  get begun(): AbortSignal {
    return this.beginning.signal;
  }

  /** Counts the requests of this server from now on. */
  watch(server: Server): void {
    server.prependListener('request', (_request: IncomingMessage, response: ServerResponse) => {
      this.inFlight.add(response);
      response.once('close', () => this.inFlight.delete(response));
      if (this.isDraining) {
        response.setHeader('Connection', 'close');
      }
    });
  }

  /** Resolves when what was in flight at the start has ended, or the grace time has. */
  async run(): Promise<void> {
    const ending = [...this.inFlight];
    this.beginning.abort();
    for (const response of ending.filter(({ headersSent }) => !headersSent)) {
      response.setHeader('Connection', 'close');
    }
    this.logger.log({ in_flight: ending.length }, 'shutting down');
    let timer: NodeJS.Timeout | undefined;
    const graceOver = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.config.http.shutdownGraceMs);
    });
    await Promise.race([Promise.all(ending.map(closeOf)), graceOver]);
    clearTimeout(timer);
    const cutOff = ending.filter((response) => this.inFlight.has(response)).length;
    if (cutOff > 0) {
      this.logger.warn({ in_flight: cutOff }, 'grace time is over, cutting requests off');
    }
  }
}

function closeOf(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    response.once('close', resolve);
  });
}
