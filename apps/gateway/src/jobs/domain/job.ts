import type { DomainError } from '../../errors/domain-error.js';
import type { Reason } from '../../errors/reason.js';

export type JsonValue = string | number | boolean | null | JsonValue[] | { [name: string]: JsonValue | undefined };
export type JsonObject = { [name: string]: JsonValue | undefined };

export const jobStates = ['queued', 'running', 'succeeded', 'failed', 'canceled', 'expired'] as const;
export type JobState = (typeof jobStates)[number];

export const finalStates = ['succeeded', 'failed', 'canceled', 'expired'] as const;
export type FinalState = (typeof finalStates)[number];

export function isFinal(state: string): state is FinalState {
  return (finalStates as readonly string[]).includes(state);
}

export interface JobProgress {
  /** Denoising steps done of the current picture, and of how many. */
  step: number;
  total: number;
  /** The picture being drawn, from 1, and of how many. */
  image: number;
  images: number;
}

/** Why a job ended without a result. */
export interface JobError {
  reason: Reason;
  /** Written for the caller, as `DomainError.detail`. */
  detail: string;
  /** Of `attempts-exhausted`: why the last attempt failed. */
  lastFailure?: { reason: Reason; detail: string };
}

/** An accepted illustration. Only `request`'s owner knows what is in it; here it is carried, not read. */
export interface Job {
  id: string;
  tenant: string;
  kind: string;
  request: JsonObject;
  /** 0 to 2^32 - 1, drawn at accept so that every attempt draws the same picture. */
  seed: number;
  images: number;
  /** Denoising steps of all images together. */
  totalSteps: number;
  /** Object keys of the results, one an image, fixed at accept. */
  resultKeys: string[];
  requestId: string;
  /** W3C trace context of the call that brought the job: what is done for it is part of that trace. null: none. */
  traceparent: string | null;
  state: JobState;
  /** Attempts begun, from 0; it is also the fencing token of the one that runs. */
  attempt: number;
  isCancelRequested: boolean;
  /** Place in the fair order; smaller goes first. */
  tag: number;
  /** Number of the latest event. */
  lastSeq: number;
  createdAt: Date;
  /** Start of the latest attempt. */
  startedAt: Date | null;
  finishedAt: Date | null;
  deadline: Date | null;
  progress: JobProgress | null;
  result: JsonObject | null;
  receipt: JsonObject | null;
  error: JobError | null;
  /** The failed job that this one repeats. */
  redriveOf: string | null;
}

export function toJobError({ reason, detail }: DomainError): JobError {
  return { reason, detail };
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Anything else cannot be the id of a job, and the database need not be asked. */
export function isJobId(text: string): boolean {
  return uuid.test(text);
}
