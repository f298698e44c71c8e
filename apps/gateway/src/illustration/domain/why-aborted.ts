import { DomainError } from '../../errors/domain-error.js';

/** Why the work was given up. Whoever aborts on purpose gives a DomainError as the reason; else the caller left. */
export function whyAborted({ reason }: AbortSignal): DomainError {
  return reason instanceof DomainError
    ? reason
    : new DomainError('canceled', 'The request was cancelled.', { cause: reason });
}
