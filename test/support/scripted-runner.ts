import type { Job } from '../../apps/gateway/src/jobs/domain/job.js';
import { JobRunner, type JobOutcome, type RunContext } from '../../apps/gateway/src/jobs/job-runner.js';

export type Script = (job: Job, context: RunContext) => Promise<JobOutcome>;

export const drawn: JobOutcome = { state: 'succeeded', result: { url: 'u' }, receipt: { seed: 7 } };

/** A runner that does what the test says, job by job. */
export class ScriptedRunner extends JobRunner {
  /** How the runs of a job go; by default they are drawn at once. */
  script: Script = () => Promise.resolve(drawn);
  /** Runs begun, in order. */
  readonly runs: { jobId: string; attempt: number; at: number }[] = [];
  /** Jobs whose leftovers were to be removed, in order. */
  readonly discarded: string[] = [];
  /** The most runs at once so far. */
  mostAtOnce = 0;
  private readonly listeners = new Set<() => void>();
  private running = 0;

  constructor(private capacity: number) {
    super();
  }

  room(): number {
    return this.capacity - this.running;
  }

  onRoomChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  setCapacity(capacity: number): void {
    this.capacity = capacity;
    this.listeners.forEach((listener) => listener());
  }

  discard(job: Job): Promise<void> {
    this.discarded.push(job.id);
    return Promise.resolve();
  }

  async run(job: Job, context: RunContext): Promise<JobOutcome> {
    this.running += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.running);
    this.runs.push({ jobId: job.id, attempt: context.attempt, at: performance.now() });
    try {
      return await this.script(job, context);
    } finally {
      this.running -= 1;
    }
  }
}

/** Rejects when the signal is aborted, as a well-behaved runner does. */
export function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('stopped')), { once: true });
  });
}
