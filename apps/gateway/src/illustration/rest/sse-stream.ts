import type { Response } from 'express';
import { once } from 'node:events';

export interface SseEvent {
  event: string;
  /** Absent: a passing message, which does not move the reader's `Last-Event-ID`. */
  id?: number;
  data: object;
}

export interface SseTiming {
  /** A line now and then keeps proxies from taking the silence for an end. */
  pingEveryMs: number;
  /** A reader that takes nothing for so long is cut off; it can come back with `Last-Event-ID`. */
  stalledAfterMs: number;
}

export const sseTiming: SseTiming = { pingEveryMs: 15_000, stalledAfterMs: 30_000 };

/**
 * One `text/event-stream` reply. Nothing is written while the reader has not taken what was written before, so that a
 * slow one costs one socket buffer and no more.
 */
export class SseStream {
  private readonly over = new AbortController();
  private readonly ping: NodeJS.Timeout;
  private stall: NodeJS.Timeout | undefined;

  constructor(
    private readonly response: Response,
    private readonly timing: SseTiming = sseTiming,
  ) {
    response.status(200).set({
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-cache',
      // nginx would hold events back until its buffer is full.
      'X-Accel-Buffering': 'no',
    });
    response.flushHeaders();
    this.ping = setInterval(() => this.sendPing(), timing.pingEveryMs);
    response.once('close', () => this.close());
    if (response.closed) this.close();
  }

  /** Aborted when the reader has left, was cut off, or the stream has ended. */
  get signal(): AbortSignal {
    return this.over.signal;
  }

  /** Resolves when the next event may be sent; at once when the stream is over. */
  async send({ event, id, data }: SseEvent): Promise<void> {
    if (this.signal.aborted) return;
    // JSON has no line breaks of its own, so the data is one line.
    const lines = [`event: ${event}`, ...(id === undefined ? [] : [`id: ${id}`]), `data: ${JSON.stringify(data)}`];
    this.response.write(`${lines.join('\n')}\n\n`);
    if (this.response.writableNeedDrain) await this.untilTaken();
  }

  /** Ends the reply; one that its reader does not take is cut off. @param retryMs when to come back, for a reader whose job has not ended */
  end(retryMs?: number): void {
    if (this.signal.aborted) return;
    if (this.response.writableNeedDrain) this.response.destroy();
    else this.response.end(retryMs === undefined ? '' : `retry: ${retryMs}\n\n`);
    this.close();
  }

  private sendPing(): void {
    if (!this.response.writableNeedDrain) this.response.write(': ping\n\n');
    if (this.response.writableNeedDrain) this.watchForStall();
  }

  private async untilTaken(): Promise<void> {
    this.watchForStall();
    // An abort ends the wait early: the stream is over.
    await once(this.response, 'drain', { signal: this.signal }).catch(() => undefined);
  }

  private watchForStall(): void {
    if (this.stall !== undefined) return;
    this.stall = setTimeout(() => this.response.destroy(), this.timing.stalledAfterMs);
    this.response.once('drain', () => {
      clearTimeout(this.stall);
      this.stall = undefined;
    });
  }

  private close(): void {
    clearInterval(this.ping);
    clearTimeout(this.stall);
    this.over.abort();
  }
}
