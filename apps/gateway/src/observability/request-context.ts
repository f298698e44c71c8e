import { AsyncLocalStorage } from 'node:async_hooks';

import type { Caller } from '../auth/caller.js';

/** What every log line and every call made for a request carries. */
export interface RequestContext {
  readonly requestId: string;
  /** Set once the job is known. */
  jobId?: string;
  /** Whose job it is, where it is drawn. */
  readonly tenant?: string;
  /** From 1, where it is drawn. */
  readonly attempt?: number;
  /** Set once the credential has been looked at. */
  caller?: Caller;
}

const storage = new AsyncLocalStorage<RequestContext>();

/** Runs `work` and everything it starts for the given request. */
export function runInRequest<T>(context: RequestContext, work: () => T): T {
  return storage.run(context, work);
}

/** The request this code runs for; undefined outside of requests (boot, watches, shutdown). */
export function currentRequest(): RequestContext | undefined {
  return storage.getStore();
}
