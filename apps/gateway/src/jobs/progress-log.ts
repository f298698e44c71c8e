import type { JobProgress } from './domain/job.js';

/** Writes a run's progress, at most one write at a time and one in `everyMs`; the newest counts, the last is always written. */
export class ProgressLog {
  private newest: JobProgress | undefined;
  private writing: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly write: (progress: JobProgress) => Promise<void>,
    /** Progress that could not be written; the job does not suffer from it. */
    private readonly onError: (error: unknown) => void,
    private readonly everyMs = 250,
  ) {}

  report(progress: JobProgress): void {
    this.newest = progress;
    if (this.writing === undefined && this.timer === undefined) this.begin();
  }

  /** Resolves when the latest progress is written. */
  async flush(): Promise<void> {
    while (this.writing !== undefined || this.newest !== undefined) {
      if (this.writing === undefined) this.begin();
      await this.writing;
    }
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private begin(): void {
    const progress = this.newest;
    if (progress === undefined) return;
    this.newest = undefined;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.onPauseOver(), this.everyMs);
    this.writing = this.write(progress)
      .catch(this.onError)
      .finally(() => {
        this.writing = undefined;
        if (this.timer === undefined) this.begin();
      });
  }

  private onPauseOver(): void {
    this.timer = undefined;
    if (this.writing === undefined) this.begin();
  }
}
