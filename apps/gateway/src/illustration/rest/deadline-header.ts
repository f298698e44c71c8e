import { DomainError } from '../../errors/domain-error.js';

const longestSeconds = 86_400;

/**
 * The seconds in an `X-Deadline-Seconds` header.
 *
 * @throws DomainError `malformed-request`
 */
export function toDeadlineSeconds(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const seconds = /^\d{1,5}$/.test(header) ? Number(header) : 0;
  if (seconds >= 1 && seconds <= longestSeconds) return seconds;
  const detail = `X-Deadline-Seconds must be a whole number from 1 to ${longestSeconds}.`;
  throw new DomainError('malformed-request', detail, {
    violations: [{ pointer: 'header:X-Deadline-Seconds', detail }],
  });
}
