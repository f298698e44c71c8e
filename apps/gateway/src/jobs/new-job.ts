import { randomInt, randomUUIDv7 } from 'node:crypto';
import type { Job } from './domain/job.js';
import type { Quotas } from './domain/quotas.js';

/** A request that becomes a job. */
export interface NewJob extends Pick<
  Job,
  | 'id'
  | 'tenant'
  | 'kind'
  | 'request'
  | 'seed'
  | 'images'
  | 'totalSteps'
  | 'resultKeys'
  | 'requestId'
  | 'traceparent'
  | 'deadline'
> {
  /** With a key, the same request again is the same job. */
  idempotency?: IdempotencyClaim;
  /** What its tenant may use; absent: as much as it likes. */
  quotas?: Quotas;
}

export interface IdempotencyClaim {
  /** 1 to 255 visible ASCII characters. */
  key: string;
  /** `hashRequest` of what the caller sent: not of a seed or an id drawn here. */
  requestHash: string;
}

/** Ids grow with time (UUID version 7), so that the newest jobs are the largest ids. */
export function newJobId(): string {
  return randomUUIDv7();
}

/** A seed for a request that names none: 0 to 2^32 - 1. */
export function drawSeed(): number {
  return randomInt(2 ** 32);
}
