import type { DomainError } from '../errors/domain-error.js';
import { runAborts } from './ending-of-run.js';
import { FencedError } from './fenced.error.js';
import type { JobQueue, Lease } from './job-queue.js';
import { Repeat } from './repeat.js';

export interface LimitSettings {
  leaseMs: number;
  /** Without progress for so long, a run hangs. */
  stepTimeoutMs: number;
}

export interface LimitListener {
  /** The run must stop, and why. May be called more than once. */
  onLimit: (reason: DomainError | FencedError) => void;
  /** The lease could not be renewed this time. */
  onTrouble: (error: unknown) => void;
}

const longestTimerMs = 2 ** 31 - 1;

/** Keeps the lease of a run, and watches what it may not exceed: lease, deadline, time without progress. */
export class RunLimits {
  private hangTimer: NodeJS.Timeout | undefined;
  private leaseTimer: NodeJS.Timeout | undefined;
  private readonly deadlineTimer: NodeJS.Timeout | undefined;
  private readonly renewal: Repeat;

  constructor(
    private readonly lease: Lease,
    private readonly queue: JobQueue,
    private readonly settings: LimitSettings,
    private readonly listener: LimitListener,
  ) {
    const everyMs = settings.leaseMs * 0.3;
    this.renewal = new Repeat(
      () => this.renew(),
      everyMs,
      (error) => this.onRenewalFailed(error),
      everyMs,
    );
    this.deadlineTimer = this.watchDeadline();
    this.onRenewed(Date.now());
    this.onProgress();
  }

  onProgress(): void {
    clearTimeout(this.hangTimer);
    this.hangTimer = setTimeout(() => this.listener.onLimit(runAborts.hung()), this.settings.stepTimeoutMs);
  }

  /** The run is over; the lease is kept until its end is written. */
  onRunEnded(): void {
    clearTimeout(this.deadlineTimer);
    clearTimeout(this.hangTimer);
  }

  async stop(): Promise<void> {
    await this.renewal.stop();
    clearTimeout(this.leaseTimer);
  }

  private watchDeadline(): NodeJS.Timeout | undefined {
    const { deadline } = this.lease.job;
    if (deadline === null) return undefined;
    const leftMs = Math.min(Math.max(deadline.getTime() - Date.now(), 0), longestTimerMs);
    return setTimeout(() => this.listener.onLimit(runAborts.overdue()), leftMs);
  }

  private async renew(): Promise<void> {
    const begun = Date.now();
    await this.queue.renew(this.lease);
    this.onRenewed(begun);
    if (await this.queue.isCancelRequested(this.lease)) this.listener.onLimit(runAborts.canceled());
  }

  private onRenewalFailed(error: unknown): void {
    this.listener.onTrouble(error);
    if (error instanceof FencedError) this.listener.onLimit(error);
  }

  /** Cut off from the database for as long as the lease, the run must stop: another may have the job by then. */
  private onRenewed(at: number): void {
    const { attempt } = this.lease;
    const lapse = (): void => this.listener.onLimit(new FencedError(attempt.id, attempt.retryCount + 1));
    clearTimeout(this.leaseTimer);
    this.leaseTimer = setTimeout(lapse, at + this.settings.leaseMs - Date.now());
  }
}
