import type { IllustrateRequest } from '../../../apps/gateway/src/generated/autobio/illustration/v1/illustration.js';
import type { ListJobsRequest } from '../../../apps/gateway/src/generated/autobio/illustration/v1/job.js';
import type { Reason } from '../../../apps/gateway/src/errors/reason.js';

/** How the same wrong thing is said over gRPC, where it can be. */
export type GrpcForm =
  | { illustrate: Partial<IllustrateRequest> }
  | { listJobs: Partial<ListJobsRequest> }
  | { getJob: string }
  | { cancelJob: string }
  | { eraseUserData: string };

/** One wrong request and how it must be refused. */
export interface BadInput {
  what: string;
  /** `POST /v1/images/memory` unless it says otherwise. */
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  /** An object is sent as JSON, over a good memory's fields; text and bytes as they are. */
  body?: object | string | Buffer;
  /** A whole HTTP message, for what no client would send. */
  raw?: string | Buffer;
  status: number;
  error: Reason;
  grpc?: GrpcForm;
}

/** Wrong fields of a memory: 422, over gRPC too where `grpc` says how. */
export function field(what: string, body: object, grpc?: Partial<IllustrateRequest>): BadInput {
  return { what, body, status: 422, error: 'validation-failed', ...(grpc && { grpc: { illustrate: grpc } }) };
}

/** A body that is sent as it stands. */
export function malformed(what: string, body: string | Buffer): BadInput {
  return { what, body, status: 400, error: 'malformed-request' };
}
