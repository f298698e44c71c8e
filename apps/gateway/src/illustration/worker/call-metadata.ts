import { Metadata } from '@grpc/grpc-js';

import { currentRequest } from '../../observability/request-context.js';
import type { DrawingTask } from '../domain/illustrator.js';

/** What gRPC metadata can carry: anything else would throw. */
const printable = /^[\x21-\x7e]{1,128}$/;

/** Names the call in the worker's logs and traces. @param traceparent the span that the call is; undefined: none */
export function callMetadata({ requestId }: DrawingTask, traceparent: string | undefined): Metadata {
  const { tenant, attempt } = currentRequest() ?? {};
  const fields = { 'x-request-id': requestId, 'x-tenant': tenant, 'x-attempt': attempt, traceparent };
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined && printable.test(String(value))) metadata.set(name, String(value));
  }
  return metadata;
}
