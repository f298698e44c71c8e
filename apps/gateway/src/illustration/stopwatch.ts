/** Times the stages of one piece of work, which follow each other without a gap. */
export class Stopwatch {
  private readonly startedAt = performance.now();
  private lapStartedAt = this.startedAt;
  private readonly lapMs: Record<string, number> = {};

  /** Ends the stage that began with the last lap. */
  lap(name: string): void {
    const now = performance.now();
    this.lapMs[name] = Math.round(now - this.lapStartedAt);
    this.lapStartedAt = now;
  }

  /** Whole milliseconds of each stage, and of all as `total_ms`. */
  laps(): Record<string, number> {
    return { ...this.lapMs, total_ms: Math.round(this.lapStartedAt - this.startedAt) };
  }
}
