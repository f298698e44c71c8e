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
   * @param job as it was a moment ago; the database is not asked again before it is told to have ended, or may have
   *   been. One that is away by then, or restarts, is no reason to send a waiting caller away.
   */
  async forEnd(job: Job, signal: AbortSignal): Promise<Job | undefined> {
    if (isFinal(job.state)) return job;
    const bell = new Bell();
    const stopRinging = this.events.ringAtEnd(job.id, bell);
    try {
      let sleepMs = longestSleepMs;
      for (;;) {
        await bell.sleep(sleepMs, signal);
        if (signal.aborted) return undefined;
        const now = await this.look(job);
        if (now !== undefined && isFinal(now.state)) return now;
        sleepMs = now === undefined ? outageSleepMs : longestSleepMs;
      }
    } finally {
      stopRinging();
    }
  }

  /** The job as it is now; undefined: the database is away. */
  private async look({ tenant, id }: Job): Promise<Job | undefined> {
    try {
      return await this.store.get(tenant, id);
    } catch (error) {
      if (isOutage(error)) return undefined;
      throw error;
    }
  }
}
