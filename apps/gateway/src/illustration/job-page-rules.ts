import { DomainError, type Violation } from '../errors/domain-error.js';
import { jobStates, type JobState } from '../jobs/domain/job.js';
import { lastIdOf, type JobPageRequest } from '../jobs/job-pages.js';

/** Jobs of a page. */
export const pageSizeRange = { min: 1, max: 100 } as const;
export const defaultPageSize = 20;

/** Which page a caller asks for, as it came. Absent and undefined mean the default. */
export interface JobPageFields {
  pageSize?: unknown;
  /** Empty: the first page, as an empty `next_page_token` says that there is no next one. */
  pageToken?: unknown;
  state?: unknown;
}

/**
 * The rules of a page of jobs, the same over REST and gRPC.
 *
 * @param violations what the caller's face has found wrong already
 * @param place where a field stands in the request: `query:` or `/`
 * @throws DomainError `validation-failed` that names every wrong field; `malformed-request` for a token that no page
 *   gave out
 */
export function toJobPageRequest(fields: JobPageFields, place: string, violations: Violation[] = []): JobPageRequest {
  const { pageSize = defaultPageSize, pageToken = '', state } = fields;
  const isTokenText = typeof pageToken === 'string';
  const found = [...violations];
  const check = (isGood: boolean, field: string, rule: string): void => {
    if (!isGood) found.push({ pointer: `${place}${field}`, detail: `${field} ${rule}` });
  };
  check(isPageSize(pageSize), 'page_size', `must be a whole number from ${pageSizeRange.min} to ${pageSizeRange.max}`);
  check(isTokenText, 'page_token', 'must be given once');
  check(isJobState(state), 'state', `must be one of ${jobStates.join(', ')}`);
  if (found.length === 0 && isPageSize(pageSize) && isTokenText && isJobState(state)) {
    return { pageSize, state, pageToken: pageToken === '' ? undefined : checkedToken(pageToken) };
  }
  throw new DomainError('validation-failed', found.map(({ detail }) => detail).join('; '), { violations: found });
}

function isPageSize(value: unknown): value is number {
  return (
    typeof value === 'number' && Number.isInteger(value) && value >= pageSizeRange.min && value <= pageSizeRange.max
  );
}

function isJobState(value: unknown): value is JobState | undefined {
  return value === undefined || jobStates.some((state) => state === value);
}

function checkedToken(pageToken: string): string {
  try {
    lastIdOf(pageToken);
    return pageToken;
  } catch (cause) {
    throw new DomainError('malformed-request', 'page_token is not the next_page_token of a page.', { cause });
  }
}
