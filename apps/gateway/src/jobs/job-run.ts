import { DomainError } from '../errors/domain-error.js';
import { readTraceparent } from '../observability/tracing/trace-context.js';
import type { JobProgress } from './domain/job.js';
import { endingOfRun, runAborts, type RunFailure } from './ending-of-run.js';
import { FencedError } from './fenced.error.js';
import type { JobQueue, Lease } from './job-queue.js';
import type { JobOutcome, JobRunner } from './job-runner.js';
import { runFenced } from './job-signals.js';
import { NewestLog } from './newest-log.js';
import { RunLimits, type LimitSettings } from './run-limits.js';

export interface RunSettings extends LimitSettings {
  /** How long a run may take to stop after it was aborted; then it is left behind. */
  abortGraceMs: number;
}

export interface RunLog {
  /** `error` was handled; it is told because nobody else will see it. */
  warn: (fields: object, message: string) => void;
  error: (fields: object, message: string) => void;
}

const settleAgainMs = 500;

/** One leased job from lease to end: runs it, keeps its lease, watches its time, and writes how it ended. */
export class JobRun {
  private readonly abort = new AbortController();
  private abortReason: DomainError | FencedError | undefined;
  private readonly progress: NewestLog<JobProgress>;
  private readonly limits: RunLimits;
  /** Whoever draws has the job, and has not begun it. */
  private isWaiting = false;
  private isGivenUp = false;
  private hasSettled = false;
  /** Resolves when nothing of the run remains. Never rejects. */
  readonly ended: Promise<void>;

  constructor(
    readonly lease: Lease,
    private readonly runner: JobRunner,
    private readonly queue: JobQueue,
    private readonly settings: RunSettings,
    private readonly log: RunLog,
  ) {
    this.progress = new NewestLog(
      (progress) => queue.progress(lease, progress),
      (error) => log.warn({ ...this.fields, err: error }, 'progress was not written'),
    );
    this.limits = new RunLimits(lease, queue, settings, {
      onLimit: (reason) => this.stop(reason),
      onTrouble: (error) => this.hasSettled || log.warn({ ...this.fields, err: error }, 'the lease was not renewed'),
    });
    this.ended = this.go();
  }

  cancel(): void {
    this.stop(runAborts.canceled());
  }

  /** The process goes down: the job is for somebody else. */
  handBack(): void {
    this.stop(runAborts.draining());
  }

  /** Stops trying to write the end to a database that does not answer; the lease will lapse. */
  giveUp(): void {
    this.isGivenUp = true;
  }

  /** The first reason counts. */
  private stop(reason: DomainError | FencedError): void {
    this.abortReason ??= reason;
    this.abort.abort(this.abortReason);
  }

  private get fields(): object {
    const { attempt, job } = this.lease;
    return {
      job_id: job.id,
      request_id: job.requestId,
      trace_id: readTraceparent(job.traceparent)?.traceId,
      tenant: job.tenant,
      attempt: attempt.retryCount + 1,
    };
  }

  private async go(): Promise<void> {
    let failure: RunFailure | undefined;
    let outcome: JobOutcome | undefined;
    try {
      outcome = await this.draw();
    } catch (error) {
      failure = endingOfRun(error, this.abortReason, { hasBegun: !this.isWaiting });
      this.logFailure(failure, error);
    }
    this.limits.onRunEnded();
    await this.progress.flush();
    await this.settle(failure, outcome);
    this.hasSettled = true;
    await this.limits.stop();
  }

  private onProgress(progress: JobProgress): void {
    if (this.abort.signal.aborted) return;
    this.isWaiting = false;
    this.limits.onProgress();
    this.progress.report(progress);
  }

  private onWaiting(): void {
    if (this.abort.signal.aborted) return;
    this.isWaiting = true;
    this.limits.onProgress();
  }

  /** The run's own end, or soon after an abort ours: a run that does not stop is left behind, fenced. */
  private async draw(): Promise<JobOutcome> {
    const { signal } = this.abort;
    let graceTimer: NodeJS.Timeout | undefined;
    const leftBehind = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => {
        graceTimer = setTimeout(() => reject(this.abortReason ?? new Error('aborted')), this.settings.abortGraceMs);
      });
    });
    const context = {
      attempt: this.lease.attempt.retryCount + 1,
      signal,
      onProgress: (progress: JobProgress) => this.onProgress(progress),
      onWaiting: () => this.onWaiting(),
    };
    try {
      return await Promise.race([this.runner.run(this.lease.job, context), leftBehind]);
    } finally {
      clearTimeout(graceTimer);
    }
  }

  private async settle(failure: RunFailure | undefined, outcome: JobOutcome | undefined): Promise<void> {
    for (;;) {
      try {
        await this.write(failure, outcome);
        return;
      } catch (error) {
        if (error instanceof FencedError) {
          runFenced.send(this.lease.job);
          return this.log.warn({ ...this.fields, err: error }, 'the run came too late');
        }
        const isOutage = error instanceof DomainError && error.reason === 'storage-unavailable';
        if (!isOutage || this.isGivenUp) {
          return this.log.error({ ...this.fields, err: error }, 'the end of the run was not written');
        }
        await new Promise((resolve) => setTimeout(resolve, settleAgainMs));
      }
    }
  }

  private async write(failure: RunFailure | undefined, outcome: JobOutcome | undefined): Promise<void> {
    const { lease, queue } = this;
    if (outcome !== undefined) {
      await queue.complete(lease, { type: 'succeeded', result: outcome.result, receipt: outcome.receipt });
    } else if (failure?.type === 'complete') {
      await queue.complete(lease, failure.ending);
    } else if (failure?.type === 'retry') {
      await queue.retry(lease, failure.why, pauseBefore(lease.attempt.retryCount + 2));
    } else if (failure?.type === 'release') {
      await queue.release(lease, failure.why, failure.pauseSeconds);
    } else {
      runFenced.send(lease.job);
    }
  }

  private logFailure(failure: RunFailure, error: unknown): void {
    const isBug =
      failure.type === 'complete' && 'error' in failure.ending && failure.ending.error.reason === 'internal';
    if (isBug) this.log.error({ ...this.fields, err: error }, 'a run failed unexpectedly');
    else if (failure.type !== 'complete')
      this.log.warn({ ...this.fields, err: error, next: failure.type }, 'a run failed');
  }
}

/** Seconds before an attempt: 1 before the second, then doubling up to 30. A lapsed lease has waited enough already. */
function pauseBefore(attempt: number): number {
  return Math.min(2 ** (attempt - 2), 30);
}
