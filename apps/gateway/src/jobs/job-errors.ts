import type { JobError } from './domain/job.js';

/** What a job says that ended by the job path's own decision. */
export const canceledByCaller: JobError = { reason: 'canceled', detail: 'The request was cancelled.' };

export const overdue: JobError = {
  reason: 'deadline-exceeded',
  detail: 'The deadline passed before the illustration was drawn.',
};

export const notInTime: JobError = {
  reason: 'deadline-exceeded',
  detail: 'The illustration could not be drawn before its deadline, so it was not begun.',
};

export const noSignOfLife: JobError = {
  reason: 'worker-unavailable',
  detail: 'The service that drew the illustration stopped before it was done.',
};

export const noRoom: JobError = {
  reason: 'draining',
  detail: 'The service that took the job had no room left for it.',
};

/** Somebody has taken the job out of the queue by hand; it ends, rather than look as if it went on. */
export const lostEntry: JobError = { reason: 'internal', detail: 'The illustration was taken out of the queue.' };

export function attemptsExhausted({ reason, detail }: JobError): JobError {
  return {
    reason: 'attempts-exhausted',
    detail: 'Every attempt to draw the illustration failed.',
    lastFailure: { reason, detail },
  };
}
