import type { Job, JobProgress, JsonObject } from './domain/job.js';

export interface JobOutcome {
  state: 'succeeded';
  /** What the caller gets. */
  result: JsonObject;
  receipt: JsonObject;
}

export interface RunContext {
  /** From 1. Above 1: an earlier attempt may have stored the result already. */
  attempt: number;
  /** Aborted when the work is wanted no more; the reason is a DomainError or a FencedError. */
  signal: AbortSignal;
  /** Call it for every step: silence for too long counts as a hang. Costs nothing. */
  onProgress: (progress: JobProgress) => void;
  /**
   * Call it while the job waits for its turn with whoever draws, as long as the others in front of it move: that is no
   * hang, and the job has no part in what happens then. `onProgress` ends the waiting.
   */
  onWaiting: () => void;
}

/** Whoever draws. It knows nothing of leases, attempts and deadlines beyond what `run` is given. */
export abstract class JobRunner {
  /** Jobs that `run` would take now. It must fall as soon as `run` is called; 0 while the worker is not serving. */
  abstract room(): number;

  /** Calls the listener when there may be more room. @returns how to stop that */
  abstract onRoomChange(listener: () => void): () => void;

  /**
   * Draws the job and stores its results. Rejects soon after `signal` is aborted.
   *
   * @throws DomainError; which ones are tried again is in `ending-of-run.ts`
   */
  abstract run(job: Job, context: RunContext): Promise<JobOutcome>;

  /** Removes what attempts at the job may have stored. Only for a job that has ended, and not with a result. */
  abstract discard(job: Job): Promise<void>;
}
