import { DomainError } from '../errors/domain-error.js';
import { isJobId, type Job, type JobState } from './domain/job.js';

export interface JobPageRequest {
  /** From 1. */
  pageSize: number;
  /** `nextPageToken` of the page before. */
  pageToken?: string;
  state?: JobState;
}

export interface JobPage {
  jobs: Job[];
  /** undefined: this is the last page. */
  nextPageToken: string | undefined;
}

/** Where the next page begins. Opaque to callers, so that it may become something else. */
export function pageTokenAfter({ id }: Job): string {
  return Buffer.from(id).toString('base64url');
}

/** @throws DomainError `validation-failed` for anything that `pageTokenAfter` did not make */
export function lastIdOf(pageToken: string): string {
  const id = Buffer.from(pageToken, 'base64url').toString();
  if (!isJobId(id)) {
    const violations = [{ pointer: 'query:page_token', detail: 'is not the next_page_token of a page' }];
    throw new DomainError('validation-failed', 'page_token: is not the next_page_token of a page', { violations });
  }
  return id;
}
