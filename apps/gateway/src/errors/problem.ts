import { catalogue } from './catalogue.js';
import type { DomainError, Violation } from './domain-error.js';
import type { Reason } from './reason.js';

/** Stable names, documented in the API pages; they identify a kind of problem and need not be fetchable. */
export const PROBLEM_TYPE_BASE = 'https://autobio.example/problems/';

export const PROBLEM_CONTENT_TYPE = 'application/problem+json';

/** The body of every error reply: RFC 9457 with this service's extension members. */
export interface Problem {
  /** `PROBLEM_TYPE_BASE` and the slug. */
  type: string;
  title: string;
  status: number;
  /** Safe to show; clients of the prototype read it. */
  detail: string;
  /** Path of the request, without its query. */
  instance: string;
  /** The slug. */
  error: Reason;
  request_id: string;
  /** The same request may succeed later. */
  retryable: boolean;
  errors?: Violation[];
}

export function toProblem(error: DomainError, request: { path: string; requestId: string }): Problem {
  const entry = catalogue[error.reason];
  const { violations = [] } = error.options;
  return {
    type: PROBLEM_TYPE_BASE + error.reason,
    title: entry.title,
    status: entry.httpStatus,
    detail: error.detail,
    instance: request.path,
    error: error.reason,
    request_id: request.requestId,
    retryable: entry.isRetryable,
    ...(violations.length > 0 && { errors: violations }),
  };
}

/** When the caller should try again, whole seconds; undefined: nobody knows, or never. */
export function retryAfterSecondsOf({ reason, options }: DomainError): number | undefined {
  const seconds = options.retryAfterSeconds ?? catalogue[reason].retryAfterSeconds;
  return seconds === undefined ? undefined : Math.ceil(seconds);
}

/** Header fields that belong to the problem beside its body. */
export function problemHeaders(error: DomainError): Record<string, string> {
  const retryAfterSeconds = retryAfterSecondsOf(error);
  return {
    'Content-Type': PROBLEM_CONTENT_TYPE,
    'Cache-Control': 'no-store',
    ...(retryAfterSeconds !== undefined && { 'Retry-After': String(retryAfterSeconds) }),
    ...(error.reason === 'unauthenticated' && { 'WWW-Authenticate': 'Bearer' }),
  };
}
