import { isFinal, type FinalState, type JsonObject } from './job.js';
import type { JobTransition } from './transition.js';

export type JobEventType = 'queued' | 'progress' | JobTransition['type'];

/** Something that happened to a job. The event of a final state is the job's last. */
export interface JobEvent {
  /** From 1 within its job, without a hole. */
  seq: number;
  type: JobEventType;
  data: JsonObject;
  at: Date;
}

export function isFinalEvent({ type }: Pick<JobEvent, 'type'>): boolean {
  return isFinal(type);
}

/** What the event of a transition tells. */
export function eventData(transition: JobTransition): JsonObject {
  switch (transition.type) {
    case 'started':
      return { attempt: transition.attempt };
    case 'requeued':
      return { ...transition.why };
    case 'cancel-requested':
      return {};
    case 'succeeded':
      return { result: transition.result };
    case 'failed':
    case 'canceled':
    case 'expired':
    default:
      return { error: { ...transition.error } };
  }
}

/** What ends a run, as its leaseholder tells it. */
export type JobEnding = JobTransition & { type: FinalState };
