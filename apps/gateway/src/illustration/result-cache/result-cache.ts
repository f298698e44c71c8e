import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';

import { AppConfig } from '../../config/app-config.js';
import { cachedPicture, type CachedPicture } from './cached-picture.js';
import { openCache, type OpenCache } from './open-cache.js';

/** A cache that answers later than this saves nothing worth waiting for. */
const answerWithinMs = 500;

/**
 * Remembers which pictures were drawn, by their identity. It holds where they lie, never their bytes, so that removing an
 * object from the store removes it for good. Nothing here fails: without an answer the picture is drawn.
 */
@Injectable()
export class ResultCache implements OnApplicationShutdown {
  private readonly logger = new Logger(ResultCache.name);
  /** undefined: switched off. */
  private readonly cache: OpenCache | undefined;
  private isAway = false;

  constructor(@Inject(AppConfig) { resultCache }: Pick<AppConfig, 'resultCache'>) {
    this.cache = resultCache.ttlMs === 0 ? undefined : openCache(resultCache, (error) => this.onTrouble(error));
  }

  get isOn(): boolean {
    return this.cache !== undefined;
  }

  async find(identity: string): Promise<CachedPicture | 'miss' | 'unavailable'> {
    const found = await this.ask(async ({ entries }) => ({ entry: await entries.get(identity) }));
    if (found === undefined) return 'unavailable';
    // What another version has written may be of another form.
    return cachedPicture.safeParse(found.entry).data ?? 'miss';
  }

  async remember(identity: string, picture: CachedPicture): Promise<void> {
    await this.ask(({ entries }) => entries.set(identity, picture));
  }

  async forget(identity: string): Promise<void> {
    await this.ask(({ entries }) => entries.delete(identity));
  }

  onApplicationShutdown(): void {
    this.cache?.close();
  }

  /** undefined: it has not answered in time. */
  private async ask<T>(question: (cache: OpenCache) => Promise<T>): Promise<T | undefined> {
    if (this.cache === undefined) return undefined;
    const { promise: tooLate, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new Error(`no answer within ${answerWithinMs} ms`)), answerWithinMs);
    try {
      const answer = await Promise.race([question(this.cache), tooLate]);
      if (this.isAway) this.logger.log('the result cache answers again');
      this.isAway = false;
      return answer;
    } catch (error) {
      this.onTrouble(error);
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Told once, until it answers again. */
  private onTrouble(error: unknown): void {
    if (!this.isAway) this.logger.warn({ err: error }, 'the result cache does not answer: every picture is drawn');
    this.isAway = true;
  }
}
