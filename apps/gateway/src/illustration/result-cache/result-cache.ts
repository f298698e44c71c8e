import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';

import { AppConfig } from '../../config/app-config.js';
import { DomainError } from '../../errors/domain-error.js';
import { cachedPicture, type CachedPicture } from './cached-picture.js';
import { unsharedClaim, type DrawingClaim } from './drawing-claim.js';
import { openCache, type OpenCache } from './open-cache.js';
import { ownerPart } from './picture-identity.js';

/** A cache that answers later than this saves nothing worth waiting for. */
const answerWithinMs = 500;
/** Of erasing, which looks at every entry. */
const erasedWithinMs = 10_000;

/**
 * Remembers which pictures were drawn, by their identity. It holds where they lie, never their bytes, so that removing an
 * object from the store removes it for good. But for erasing nothing here fails: without an answer the picture is drawn.
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

  /**
   * The right to draw a picture: of all instances that share this cache one has it, until it is released or its instance
   * is dead. Without an answer everybody has it.
   *
   * @returns undefined: another instance has it
   */
  async claim(identity: string): Promise<DrawingClaim | undefined> {
    const answer = await this.ask(async ({ claim }) => ({ claim: await claim(identity) }));
    return answer === undefined ? unsharedClaim : answer.claim;
  }

  /**
   * Forgets all that was drawn for a user.
   *
   * @returns how many pictures that were
   * @throws DomainError `storage-unavailable`: some may still be remembered
   */
  async erase(tenant: string, userId: string): Promise<number> {
    if (this.cache === undefined) return 0;
    try {
      return await within(erasedWithinMs, this.cache.removeAll(ownerPart(tenant, userId)));
    } catch (error) {
      throw new DomainError('storage-unavailable', 'The result cache does not answer.', { cause: error });
    }
  }

  onApplicationShutdown(): void {
    this.cache?.close();
  }

  /** undefined: it has not answered in time. */
  private async ask<T>(question: (cache: OpenCache) => Promise<T>): Promise<T | undefined> {
    if (this.cache === undefined) return undefined;
    try {
      const answer = await within(answerWithinMs, question(this.cache));
      if (this.isAway) this.logger.log('the result cache answers again');
      this.isAway = false;
      return answer;
    } catch (error) {
      this.onTrouble(error);
      return undefined;
    }
  }

  /** Told once, until it answers again. */
  private onTrouble(error: unknown): void {
    if (!this.isAway) this.logger.warn({ err: error }, 'the result cache does not answer: every picture is drawn');
    this.isAway = true;
  }
}

async function within<T>(ms: number, answer: Promise<T>): Promise<T> {
  const { promise: tooLate, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  try {
    return await Promise.race([answer, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
