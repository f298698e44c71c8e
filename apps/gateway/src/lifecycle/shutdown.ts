import { Inject, Injectable } from '@nestjs/common';

import { AppConfig } from '../config/app-config.js';

/** The end of the grace time is for handing runs back and for telling callers: so long, or half of a short grace. */
const lastWordsMs = 7_000;

/**
 * The one clock of a shutdown. Everything that has to end - requests, runs, streams - goes by it, side by side, so that
 * the whole takes one grace time and not one each.
 */
@Injectable()
export class Shutdown {
  private readonly beginning = new AbortController();
  private readonly ending = new AbortController();
  private readonly graceMs: number;
  private endsAt = Number.POSITIVE_INFINITY;

  constructor(@Inject(AppConfig) { shutdown }: Pick<AppConfig, 'shutdown'>) {
    this.graceMs = shutdown.graceMs;
  }

  get hasBegun(): boolean {
    return this.begun.aborted;
  }

  /** Aborted when the shutdown begins: nothing new is begun, and what would never end by itself ends now. */
  get begun(): AbortSignal {
    return this.beginning.signal;
  }

  /** Aborted when the time is nearly over: what has not ended is given up in good order. */
  get late(): AbortSignal {
    return this.ending.signal;
  }

  /** From the beginning to `late`. */
  get workMs(): number {
    return this.graceMs - Math.min(lastWordsMs, this.graceMs / 2);
  }

  /** Until everything must have ended. */
  get leftMs(): number {
    return Math.max(this.endsAt - Date.now(), 0);
  }

  begin(): void {
    if (this.hasBegun) return;
    this.endsAt = Date.now() + this.graceMs;
    setTimeout(() => this.ending.abort(), this.workMs).unref();
    this.beginning.abort();
  }
}
