/** Writes what a run tells, at most one write at a time and one in `everyMs`; the newest counts. */
export class NewestLog<Entry> {
  private newest: Entry | undefined;
  private writing: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly write: (entry: Entry) => Promise<void>,
    /** What could not be written; the job does not suffer from it. */
    private readonly onError: (error: unknown) => void,
    private readonly everyMs = 250,
  ) {}

  /** Never waits: a slow database costs entries, not time. */
  report(entry: Entry): void {
    this.newest = entry;
    if (this.writing === undefined && this.timer === undefined) this.begin();
  }

  /** Resolves when the latest entry is written. */
  async flush(): Promise<void> {
    while (this.writing !== undefined || this.newest !== undefined) {
      if (this.writing === undefined) this.begin();
      await this.writing;
    }
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** Forgets what is not being written yet. */
  drop(): void {
    this.newest = undefined;
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private begin(): void {
    const entry = this.newest;
    if (entry === undefined) return;
    this.newest = undefined;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.onPauseOver(), this.everyMs);
    this.writing = this.write(entry)
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
