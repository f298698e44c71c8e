import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';

import { DomainError, type Violation } from '../../errors/domain-error.js';
import type { JobPageRequest } from '../../jobs/job-pages.js';
import { toJobPageRequest } from '../job-page-rules.js';

type Query = Readonly<Record<string, unknown>>;

const place = 'query:';
const longestNameShown = 100;

/** The page that the query of `GET /v1/jobs` asks for. */
export const JobPageQuery = createParamDecorator((_: unknown, context: ExecutionContext): JobPageRequest =>
  toPageOfQuery(queryOf(context)),
);

/** Number of the last event that the reader has, by header or query; 0: none. */
export const LastEventId = createParamDecorator((_: unknown, context: ExecutionContext): number =>
  toLastSeq(context.switchToHttp().getRequest<Request>().get('Last-Event-ID'), queryOf(context)),
);

/** @throws DomainError `validation-failed`, `malformed-request` */
export function toPageOfQuery(query: Query): JobPageRequest {
  const { page_size: pageSize, page_token: pageToken, state } = query;
  const unknown = unknownFields(query, ['page_size', 'page_token', 'state']);
  return toJobPageRequest({ pageSize: toNumber(pageSize), pageToken, state }, place, unknown);
}

/**
 * EventSource sends the header when it comes back, to the URL it began with: the header is newer than the query.
 *
 * @throws DomainError `malformed-request` for a bad header, `validation-failed` for a bad query
 */
export function toLastSeq(header: string | undefined, query: Query): number {
  const violations = unknownFields(query, ['last_event_id']);
  const given = query['last_event_id'];
  if (given !== undefined && given !== '' && !isSeq(given)) {
    violations.push({ pointer: `${place}last_event_id`, detail: 'last_event_id must be the id of an event' });
  }
  if (violations.length > 0) throw refusal(violations);
  if (header !== undefined && header !== '' && !isSeq(header)) {
    throw new DomainError('malformed-request', 'Last-Event-ID must be the id of an event.');
  }
  return Number(header || given || 0);
}

function queryOf(context: ExecutionContext): Query {
  return context.switchToHttp().getRequest<Request>().query;
}

function isSeq(value: unknown): value is string {
  return typeof value === 'string' && /^\d{1,9}$/.test(value);
}

/** Digits as a number; anything else stays what it is, which is no page size. */
function toNumber(value: unknown): unknown {
  return typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value;
}

function unknownFields(query: Query, known: readonly string[]): Violation[] {
  return Object.keys(query)
    .filter((name) => !known.includes(name))
    .map((name) => name.slice(0, longestNameShown))
    .map((name) => ({ pointer: `${place}${name}`, detail: `${name} is not a known query field` }))
    .slice(0, 20);
}

function refusal(violations: Violation[]): DomainError {
  return new DomainError('validation-failed', violations.map(({ detail }) => detail).join('; '), { violations });
}
