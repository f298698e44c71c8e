import { randomUUID } from 'node:crypto';

import { Injectable, Logger, type BeforeApplicationShutdown, type OnModuleInit } from '@nestjs/common';

import { Database, type Listening } from '../../database/database.js';
import { Illustrator } from '../domain/illustrator.js';

/** A gateway that has erased somebody tells the others here; the payload names the teller. */
const erasuresChannel = 'illustration_erasures';
const askAgainMs = 5_000;

/**
 * What workers keep of prompts and reference images they have encoded. They know it by its content and not by whose it
 * is, so that an erasure has all of it dropped, by every worker; it is encoded anew when it is needed.
 *
 * Each gateway tells its own worker. One that starts, or whose connection to the database was lost, may have missed an
 * erasure and has its worker forget to be sure; a worker that does not answer is told as soon as it does.
 */
@Injectable()
export class WorkerMemory implements OnModuleInit, BeforeApplicationShutdown {
  private readonly logger = new Logger(WorkerMemory.name);
  private readonly id = randomUUID();
  private listening: Listening | undefined;
  private stopWatching: (() => void) | undefined;
  private retry: NodeJS.Timeout | undefined;
  /** The worker is still to be told. */
  private isOwed = false;
  private isStopped = false;

  constructor(
    private readonly database: Database,
    private readonly illustrator: Illustrator,
  ) {}

  async onModuleInit(): Promise<void> {
    this.stopWatching = this.illustrator.onChange(() => void this.settle());
    this.listening = await this.database.listen(
      erasuresChannel,
      (teller) => {
        if (teller !== this.id) this.owe();
      },
      () => this.owe(),
    );
    this.owe();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.retry);
    this.stopWatching?.();
    await this.listening?.close();
  }

  /**
   * Has every gateway's worker forget.
   *
   * @returns how many entries this gateway's own one had; null: it did not answer, and is told when it does
   * @throws DomainError `storage-unavailable`: the other gateways could not be told
   */
  async forget(): Promise<number | null> {
    await this.database.query('SELECT pg_notify($1, $2)', [erasuresChannel, this.id]);
    try {
      return await this.illustrator.forgetEmbeddings();
    } catch (error) {
      this.logger.warn({ err: error }, 'the worker could not be told to forget; it is told when it answers');
      this.owe();
      return null;
    }
  }

  private owe(): void {
    this.isOwed = true;
    void this.settle();
  }

  private async settle(): Promise<void> {
    if (this.isStopped || !this.isOwed || !this.illustrator.availability().isReady) return;
    clearTimeout(this.retry);
    this.isOwed = false;
    try {
      const entries = await this.illustrator.forgetEmbeddings();
      this.logger.debug({ entries }, 'the worker has forgotten');
    } catch (error) {
      this.logger.warn({ err: error }, 'the worker could not be told to forget yet');
      this.isOwed = true;
      if (!this.isStopped) this.retry = setTimeout(() => void this.settle(), askAgainMs);
    }
  }
}
