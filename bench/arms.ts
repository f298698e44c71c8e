// The processes a bench compares: started one after the other, stopped in the opposite order whatever happens.
import { once } from 'node:events';

export class Arms {
  private readonly stops: (() => Promise<unknown>)[] = [];

  /** Starts one and remembers to stop it. */
  async started<T extends { stop(): Promise<unknown> }>(starting: Promise<T>): Promise<T> {
    const running = await starting;
    this.stops.unshift(() => running.stop());
    return running;
  }

  async stop(): Promise<void> {
    for (const stop of this.stops) await stop();
  }
}

/** Runs a bench and ends the process: 0, or 1 with the error told. A signal ends it in order, with nothing left behind. */
export async function runBench(bench: (arms: Arms) => Promise<void>): Promise<never> {
  const arms = new Arms();
  const told = Promise.race(
    ['SIGTERM', 'SIGINT'].map(async (signal) => {
      await once(process, signal);
      throw new Error(`ended by ${signal}`);
    }),
  );
  try {
    await Promise.race([bench(arms), told]);
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  } finally {
    await arms.stop();
  }
  process.exit(); // the signal handlers, and after a signal what was interrupted, would keep it alive
}
