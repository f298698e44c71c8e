/** One sleeper and many who may wake it. A ring before the sleep is not lost; many rings are one. */
export class Bell {
  private isRung = false;
  private wake: () => void = () => undefined;

  ring(): void {
    this.isRung = true;
    this.wake();
  }

  /** Resolves at the next ring, at `signal`'s abort, or after `longestMs`. */
  async sleep(longestMs: number, signal?: AbortSignal): Promise<void> {
    if (!this.isRung && signal?.aborted !== true) {
      const woken = new Promise<void>((resolve) => {
        this.wake = () => resolve();
      });
      const timer = setTimeout(this.wake, longestMs);
      signal?.addEventListener('abort', this.wake);
      await woken;
      clearTimeout(timer);
      signal?.removeEventListener('abort', this.wake);
    }
    this.isRung = false;
  }
}
