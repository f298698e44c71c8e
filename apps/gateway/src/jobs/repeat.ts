import { Bell } from './bell.js';

/** Something done again and again, never twice at once. */
export class Repeat {
  private readonly bell = new Bell();
  private readonly stopping = new AbortController();
  private readonly ended: Promise<void>;

  /**
   * @param onError told of a round that failed; the next one comes all the same
   * @param firstAfterMs 0: the first round begins at once
   */
  constructor(
    private readonly round: () => Promise<void>,
    private readonly everyMs: number,
    private readonly onError: (error: unknown) => void,
    private readonly firstAfterMs = 0,
  ) {
    this.ended = this.run();
  }

  /** A round begins now, or when the one going on has ended. */
  now(): void {
    this.bell.ring();
  }

  /** Resolves when no round goes on and none will. */
  stop(): Promise<void> {
    this.stopping.abort();
    return this.ended;
  }

  private async run(): Promise<void> {
    if (this.firstAfterMs > 0) await this.bell.sleep(this.firstAfterMs, this.stopping.signal);
    while (!this.stopping.signal.aborted) {
      await this.round().catch(this.onError);
      await this.bell.sleep(this.everyMs, this.stopping.signal);
    }
  }
}
