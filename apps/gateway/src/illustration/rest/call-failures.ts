import { DomainError } from '../../errors/domain-error.js';
import type { Job } from '../../jobs/domain/job.js';

/** The caller's time is up. */
export function notInTime(): DomainError {
  return new DomainError('deadline-exceeded', 'The illustration was not ready in time.');
}

/** The caller would wait on; this instance cannot. */
export function instanceLeaves(): DomainError {
  return new DomainError('draining', 'This instance shuts down before the illustration is ready.');
}

/** Why the job brought nothing. A store that was away at every attempt is no fault of the request: it may try again. */
export function failureOf({ error }: Job): DomainError {
  if (error === null) return new DomainError('internal', 'The illustration failed.');
  const { reason, detail } = error.lastFailure?.reason === 'storage-unavailable' ? error.lastFailure : error;
  return new DomainError(reason, detail);
}
