import { Injectable } from '@nestjs/common';
import { Bell } from '../jobs/bell.js';
import { isFinal, type Job } from '../jobs/domain/job.js';
import { isOutage, JobEvents, longestSleepMs, outageSleepMs } from '../jobs/job-events.js';
import { JobStore } from '../jobs/job-store.js';

/** Waits for jobs to end, whichever gateway runs them. */
@Injectable()
export class JobWait {
  constructor(
    private readonly events: JobEvents,
    private readonly store: JobStore,
  ) {}

  /**
   * The job when it has ended; undefined: `signal` was aborted before.
   *
   * @throws DomainError `storage-unavailable` when not even the first look succeeds; a database that restarts under a
   *   waiting caller is no reason to send them away
   */
  async forEnd(job: Job, signal: AbortSignal): Promise<Job | undefined> {
    if (isFinal(job.state)) return job;
    const bell = new Bell();
    const stopRinging = this.events.ringAtEnd(job.id, bell);
    try {
      let hasLooked = false;
      while (!signal.aborted) {
        const now = await this.look(job, hasLooked);
        if (now !== undefined && isFinal(now.state)) return now;
        hasLooked ||= now !== undefined;
        await bell.sleep(now === undefined ? outageSleepMs : longestSleepMs, signal);
      }
      return undefined;
    } finally {
      stopRinging();
    }
  }

  /** The job as it is now; undefined: the database is away, and had not been before. */
  private async look({ tenant, id }: Job, hasLooked: boolean): Promise<Job | undefined> {
    try {
      return await this.store.get(tenant, id);
    } catch (error) {
      if (hasLooked && isOutage(error)) return undefined;
      throw error;
    }
  }
}
