import { setTimeout as delay } from 'node:timers/promises';

import type { JobEvent } from '../jobs/domain/job-event.js';
import type { Job } from '../jobs/domain/job.js';
import type { JobStore } from '../jobs/job-store.js';
import type { QueueView } from './job-view.js';
import type { JobViews } from './job-views.js';

/** How often a waiting job's place is looked up for who watches it. */
const everyMs = 2000;

export interface PlaceListener {
  /** Aborted when nobody listens any more. */
  signal: AbortSignal;
  tell: (place: QueueView) => void | Promise<void>;
}

/**
 * Tells where a job stands in the queue, whenever that has changed. Places are of the moment and no part of the job's
 * events: who comes back gets the newest only.
 */
export class PlaceTeller {
  private isWaiting: boolean;

  constructor(
    private readonly job: Job,
    private readonly store: JobStore,
    private readonly views: JobViews,
  ) {
    this.isWaiting = job.state === 'queued';
  }

  /** The job has moved: once it runs, a place looked up before must not be told after. */
  onEvent({ type }: JobEvent): void {
    if (type !== 'queued') this.isWaiting = false;
  }

  async tellWhileWaiting({ signal, tell }: PlaceListener): Promise<void> {
    let told: string | undefined;
    while (this.isWaiting && !signal.aborted) {
      const place = await this.views.placeOf(await this.store.get(this.job.tenant, this.job.id));
      const text = JSON.stringify(place);
      if (place !== undefined && text !== told && this.isWaiting && !signal.aborted) {
        told = text;
        await tell(place);
      }
      // An abort ends the pause early; the loop then ends.
      await delay(everyMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
