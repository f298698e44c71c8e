import type { Request } from 'express';

import { DomainError } from '../../errors/domain-error.js';
import { toDeadlineSeconds } from './deadline-header.js';
import { idempotencyKeyIn } from './idempotency-header.js';
import { toPreference, type Preference } from './preference.js';

/** How a caller wants to be answered: everything of a call that is no part of the picture. */
export interface CallTerms {
  preference: Preference;
  idempotencyKey: string | undefined;
  deadlineSeconds: number | undefined;
  /** `Accept: text/event-stream`. */
  wantsEvents: boolean;
  /** `Cache-Control: no-cache`: draw, though the picture may be known. */
  isFreshWanted: boolean;
}

/** @throws DomainError `idempotency-key-invalid`, `malformed-request`, `not-acceptable` */
export function termsOf(request: Request): CallTerms {
  const accepted = request.accepts(['application/json', 'text/event-stream']);
  if (accepted === false) {
    throw new DomainError('not-acceptable', 'A reply is application/json or text/event-stream.');
  }
  return {
    preference: toPreference(request.get('Prefer')),
    idempotencyKey: idempotencyKeyIn(request.get('Idempotency-Key')),
    deadlineSeconds: toDeadlineSeconds(request.get('X-Deadline-Seconds')),
    wantsEvents: accepted === 'text/event-stream',
    isFreshWanted: isFreshWanted(request.get('Cache-Control')),
  };
}

/** Other directives say nothing here: results are kept as the job's own, whoever asks. */
function isFreshWanted(header = ''): boolean {
  return header.split(',').some((directive) => directive.trim().toLowerCase() === 'no-cache');
}

/** Nobody waits for the end as long as it takes: the caller comes back for it, or watches. */
export function isAsynchronous({ preference, wantsEvents }: CallTerms): boolean {
  return preference.isAsync || wantsEvents;
}
