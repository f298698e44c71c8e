import { Injectable } from '@nestjs/common';

import { isFinalEvent } from '../jobs/domain/job-event.js';
import { isFinal, type Job } from '../jobs/domain/job.js';
import { JobEvents } from '../jobs/job-events.js';
import { JobStore } from '../jobs/job-store.js';

/** Waits for jobs to end, whichever instance runs them. */
@Injectable()
export class JobWait {
  constructor(
    private readonly events: JobEvents,
    private readonly store: JobStore,
  ) {}

  /**
   * The job when it has ended; undefined: `signal` was aborted before.
   *
   * @throws DomainError `storage-unavailable`
   */
  async forEnd(job: Job, signal: AbortSignal): Promise<Job | undefined> {
    if (isFinal(job.state)) return job;
    const { tenant, id, lastSeq: afterSeq } = job;
    for await (const event of this.events.watch(tenant, id, { afterSeq, signal })) {
      if (isFinalEvent(event)) return this.store.get(tenant, id);
    }
    return signal.aborted ? undefined : this.store.get(tenant, id);
  }
}
