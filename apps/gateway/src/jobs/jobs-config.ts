/** Settings of the job path. */
export abstract class JobsConfig {
  /** `JOB_MAX_ATTEMPTS`, from 1: attempts before a job goes to the dead letters. */
  abstract readonly maxAttempts: number;
  /** `MAX_QUEUED_JOBS`, from 1: more waiting jobs than this are refused with `queue-full`. */
  abstract readonly maxQueuedJobs: number;
  /** `STEP_TIMEOUT_SECONDS`: a run without progress for so long hangs, and is tried again. */
  abstract readonly stepTimeoutMs: number;
  /** `JOB_LEASE_SECONDS`, from 10 (pg-boss's least): how long a job stays with a gateway that gives no sign of life. */
  abstract readonly leaseSeconds: number;
  /** `JOB_RETENTION_DAYS`: how long an ended job can be looked at; 0: for ever. */
  abstract readonly retentionMs: number;
  /** How long a run may take to stop once it is aborted; then it is left behind, without its lease. */
  abstract readonly abortGraceMs: number;
}
