/** How much of the service a tenant may use; an absent member is no limit. */
export interface Quotas {
  /** Accepted drawings, from 1. */
  readonly requestsPerMinute?: number;
  /** Jobs that wait or run, from 1. */
  readonly concurrentJobs?: number;
  /** Of succeeded jobs, in a day of UTC. */
  readonly gpuSecondsPerDay?: number;
}
