import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

import { Injectable, Logger } from '@nestjs/common';

import { AppConfig } from '../config/app-config.js';
import { Shutdown } from '../lifecycle/shutdown.js';

/** What closing listeners and connections takes at most, once the requests have ended. */
const closingMs = 500;

/**
 * The HTTP side of the shutdown. Once it begins, readiness fails, new work is refused and the requests in flight finish.
 * The listener stays open meanwhile, and for `SHUTDOWN_DELAY_SECONDS` at least: a load balancer goes on sending until it
 * has noticed, and `draining` tells it more than a refused connection.
 */
@Injectable()
export class Drain {
  private readonly logger = new Logger(Drain.name);
  private readonly inFlight = new Set<ServerResponse>();

  constructor(
    private readonly config: AppConfig,
    private readonly shutdown: Shutdown,
  ) {}

  get isDraining(): boolean {
    return this.shutdown.hasBegun;
  }

  /** Aborted when the shutdown begins. */
  get begun(): AbortSignal {
    return this.shutdown.begun;
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

  /** Resolves when the listener may close: nothing is in flight and the delay is over, or the grace time is. */
  async run(): Promise<void> {
    this.shutdown.begin();
    for (const response of [...this.inFlight].filter(({ headersSent }) => !headersSent)) {
      response.setHeader('Connection', 'close');
    }
    this.logger.log({ in_flight: this.inFlight.size }, 'shutting down');
    const graceOver = new AbortController();
    const timer = setTimeout(() => graceOver.abort(), Math.max(this.shutdown.leftMs - closingMs, 0));
    await this.untilQuiet(graceOver.signal);
    clearTimeout(timer);
    if (this.inFlight.size > 0) {
      this.logger.warn({ in_flight: this.inFlight.size }, 'grace time is over, cutting requests off');
    }
  }

  private async untilQuiet(graceOver: AbortSignal): Promise<void> {
    // An abort ends the pause early.
    await delay(this.config.shutdown.delayMs, undefined, { signal: graceOver }).catch(() => undefined);
    const isOver = new Promise<void>((resolve) => graceOver.addEventListener('abort', () => resolve()));
    // Requests that came during the delay have their answers, too.
    while (this.inFlight.size > 0 && !graceOver.aborted) {
      await Promise.race([Promise.all([...this.inFlight].map(closeOf)), isOver]);
    }
  }
}

function closeOf(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    response.once('close', resolve);
  });
}
