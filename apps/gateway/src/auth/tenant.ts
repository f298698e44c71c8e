import { currentRequest } from '../observability/request-context.js';
import type { Caller, Tenant } from './caller.js';

/** Who sent the request this code runs for. The guard has let them in, or this code would not run. */
export function currentCaller(): Caller {
  const caller = currentRequest()?.caller;
  if (caller === undefined) throw new Error('no guard has told who is calling');
  return caller;
}

export function currentTenant(): Tenant {
  return currentCaller().tenant;
}
