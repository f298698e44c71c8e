import { Injectable } from '@nestjs/common';

import type { KnownPicture } from './cached-picture.js';

interface Twin {
  /** undefined: it brought nothing. */
  ended: Promise<KnownPicture | undefined>;
  /** Called when the drawing moves. */
  watchers: Set<() => void>;
}

export interface Follower {
  /** Ends the waiting, not the drawing. */
  signal: AbortSignal;
  /** Called when the waiting begins, and each time the drawing moves. */
  onWaiting: () => void;
}

/**
 * Jobs of this gateway that want the same picture at the same time: the first draws it, the others wait for it. One that
 * draws waits for no other meanwhile, so that two can never wait for each other.
 */
@Injectable()
export class TwinDrawings {
  private readonly drawings = new Map<string, Twin>();
  private readonly listeners = new Set<() => void>();
  private waitingCount = 0;

  /** Jobs that wait for another's picture, and draw nothing meanwhile. */
  get waiting(): number {
    return this.waitingCount;
  }

  /** Calls the listener when `waiting` changes. @returns how to stop that */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /**
   * Draws the picture, or waits for the job that draws it already. A drawing that fails or is cancelled says nothing of
   * the next: of those who waited, one draws and the others go on waiting.
   *
   * @param draw is given what to call when the drawing moves
   * @throws what `draw` throws, or the signal's reason
   */
  async share<Made extends { known: KnownPicture | undefined }>(
    identity: string,
    follower: Follower,
    draw: (tellTwins: () => void) => Promise<Made>,
  ): Promise<{ made: Made } | { known: KnownPicture }> {
    for (;;) {
      // No `await` between looking and leading: else two would lead.
      const twin = this.drawings.get(identity);
      if (twin === undefined) return { made: await this.lead(identity, draw) };
      const known = await this.follow(twin, follower);
      if (known !== undefined) return { known };
    }
  }

  /** The job whose picture is waited for counts as waiting meanwhile. */
  async whileWaiting<T>(wait: () => Promise<T>): Promise<T> {
    this.count(1);
    try {
      return await wait();
    } finally {
      this.count(-1);
    }
  }

  private async follow({ watchers, ended }: Twin, { signal, onWaiting }: Follower): Promise<KnownPicture | undefined> {
    watchers.add(onWaiting);
    onWaiting();
    try {
      return await this.whileWaiting(() => unlessAborted(ended, signal));
    } finally {
      watchers.delete(onWaiting);
    }
  }

  private async lead<Made extends { known: KnownPicture | undefined }>(
    identity: string,
    draw: (tellTwins: () => void) => Promise<Made>,
  ): Promise<Made> {
    const watchers = new Set<() => void>();
    const { promise: ended, resolve: end } = Promise.withResolvers<KnownPicture | undefined>();
    this.drawings.set(identity, { ended, watchers });
    let known: KnownPicture | undefined;
    try {
      const made = await draw(() => watchers.forEach((tell) => tell()));
      ({ known } = made);
      return made;
    } finally {
      // In this order: who waited in vain must find the place free.
      this.drawings.delete(identity);
      end(known);
    }
  }

  private count(change: 1 | -1): void {
    this.waitingCount += change;
    this.listeners.forEach((listener) => listener());
  }
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
