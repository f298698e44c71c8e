import { Logger } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

import { StandInIllustrator } from '../../../../../test/support/core-app.js';
import { backends, type StartedBackend } from '../../../../../test/support/job-path.js';
import { DomainError } from '../../errors/domain-error.js';
import { WorkerMemory } from './worker-memory.js';

/** A worker that counts how often it was told to forget, and may be away. */
class RememberingWorker extends StandInIllustrator {
  timesForgotten = 0;
  held = 3;
  private listener: () => void = () => undefined;

  override onChange(listener?: () => void): () => void {
    this.listener = listener ?? this.listener;
    return () => (this.listener = () => undefined);
  }

  override async forgetEmbeddings(): Promise<number> {
    if (!this.now.isReady) throw this.now.error;
    this.timesForgotten += 1;
    const held = this.held;
    this.held = 0;
    return held;
  }

  leave(): void {
    this.now = { isReady: false, error: new DomainError('worker-unavailable', 'It is away.') };
  }

  comeBack(): void {
    this.now = { isReady: true };
    this.listener();
  }
}

for (const { name, isAvailable, start } of backends) {
  describe.skipIf(!isAvailable)(`the workers' memory, told over ${name}`, () => {
    let backend: StartedBackend;
    const running: WorkerMemory[] = [];

    beforeAll(async () => {
      Logger.overrideLogger(false);
      backend = await start();
    }, 60_000);
    afterAll(() => backend.stop());
    afterEach(async () => {
      await Promise.all(running.splice(0).map((memory) => memory.beforeApplicationShutdown()));
    });

    /** A gateway that has started, and its worker, told once already. */
    async function gateway(): Promise<{ memory: WorkerMemory; worker: RememberingWorker }> {
      const worker = new RememberingWorker();
      const memory = new WorkerMemory(backend.database, worker);
      running.push(memory);
      await memory.onModuleInit();
      await expect.poll(() => worker.timesForgotten).toBe(1);
      worker.held = 3;
      return { memory, worker };
    }

    it('is dropped everywhere when one gateway erases, once each', async () => {
      const [one, other] = [await gateway(), await gateway()];
      expect(await one.memory.forget()).toBe(3);
      await expect.poll(() => other.worker.timesForgotten).toBe(2);
      expect(await other.memory.forget()).toBe(0);
      await expect.poll(() => one.worker.timesForgotten).toBe(3);
      expect(other.worker.timesForgotten).toBe(3);
    });

    it('of a worker that is away is dropped when it is back, and the erasure does not wait for it', async () => {
      const [one, other] = [await gateway(), await gateway()];
      one.worker.leave();
      other.worker.leave();
      expect(await one.memory.forget()).toBeNull();
      one.worker.comeBack();
      await expect.poll(() => one.worker.held).toBe(0);
      // The other one may hear of the erasure before or after its worker is back.
      other.worker.comeBack();
      await expect.poll(() => other.worker.held).toBe(0);
    });

    it('is dropped to be sure when an erasure may have been missed', async () => {
      const listen = vi.spyOn(backend.database, 'listen');
      const { worker } = await gateway();
      const [, , onGap] = listen.mock.lastCall ?? [];
      onGap?.();
      await expect.poll(() => worker.timesForgotten).toBe(2);
      listen.mockRestore();
    });
  });
}
