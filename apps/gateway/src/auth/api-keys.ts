import { unwatchFile, watchFile } from 'node:fs';
import { timingSafeEqual } from 'node:crypto';

import { Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';

import type { Quotas } from '../jobs/domain/quotas.js';
import { idOfApiKey, sha256 } from './api-key.js';
import { type ApiKeyEntry, type ApiKeyFile, readApiKeyFile } from './api-key-file.js';

/** A file mounted from a secret changes by a symbolic link being swapped, which only looking at it again notices. */
const lookEveryMs = 1000;
const noKey = Buffer.alloc(32);

/**
 * The keys of `API_KEYS_FILE`, read again whenever the file changes. A file that cannot be used is told in the log, and
 * the keys of before stay: a slip of the editor must not lock everybody out.
 */
export class ApiKeys implements OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger(ApiKeys.name);
  private entries: ReadonlyMap<string, ApiKeyEntry> = new Map();
  private limits: ApiKeyFile['quotas'] = new Map();

  /** @param path undefined: there are no keys */
  constructor(private readonly path: string | undefined) {}

  /** @throws ApiKeyFileError */
  async onModuleInit(): Promise<void> {
    if (this.path === undefined) return;
    await this.load(this.path);
    watchFile(this.path, { interval: lookEveryMs, persistent: false }, this.reload);
  }

  onModuleDestroy(): void {
    if (this.path !== undefined) unwatchFile(this.path, this.reload);
  }

  /** The entry of a key that is known and has not run out. Takes the same time for every wrong one. */
  find(key: string): ApiKeyEntry | undefined {
    const entry = this.entries.get(idOfApiKey(key) ?? '');
    const isRight = timingSafeEqual(sha256(key), entry === undefined ? noKey : Buffer.from(entry.sha256, 'hex'));
    if (entry === undefined || !isRight) return undefined;
    const isOver = entry.not_after !== undefined && Date.parse(entry.not_after) <= Date.now();
    return isOver ? undefined : entry;
  }

  /** The limits the file sets for a tenant; undefined: none of its own. */
  quotasOf(tenant: string): Quotas | undefined {
    return this.limits.get(tenant);
  }

  private readonly reload = (): void => {
    if (this.path === undefined) return;
    this.load(this.path).then(
      () => this.logger.log({ keys: this.entries.size }, 'the API keys were read again'),
      (error: unknown) =>
        this.logger.error({ err: error }, 'the API keys cannot be read again: the keys of before stay'),
    );
  };

  private async load(path: string): Promise<void> {
    const { keys, quotas } = await readApiKeyFile(path);
    this.entries = new Map(keys.map((entry) => [entry.id, entry]));
    this.limits = quotas;
  }
}
