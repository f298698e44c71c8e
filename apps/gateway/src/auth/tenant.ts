/** Whose jobs these are. */
export type Tenant = string;

const theOnlyTenant: Tenant = 'default';

/**
 * The tenant of the caller, told by the credential and never by the request. All callers share one credential so far,
 * and so they are one tenant.
 */
export function currentTenant(): Tenant {
  return theOnlyTenant;
}
