import { catalogue } from '../errors/catalogue.js';
import type { Reason } from '../errors/reason.js';
import type { JobError } from '../jobs/domain/job.js';

/** Why a job ended without a picture, or why an attempt did: the members that a problem reply would have. */
export interface JobErrorView {
  error: Reason;
  title: string;
  /** HTTP status that a caller who had waited would have got. */
  status: number;
  detail: string;
  /** The same request may succeed later. */
  retryable: boolean;
  /** Of `attempts-exhausted`: why the last attempt failed. */
  last_failure?: { error: Reason; detail: string };
}

export function toJobErrorView({ reason, detail, lastFailure }: JobError): JobErrorView {
  const { title, httpStatus, isRetryable } = catalogue[reason];
  return {
    error: reason,
    title,
    status: httpStatus,
    detail,
    retryable: isRetryable,
    ...(lastFailure && { last_failure: { error: lastFailure.reason, detail: lastFailure.detail } }),
  };
}
