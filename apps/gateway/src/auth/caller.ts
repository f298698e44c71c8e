import type { Quotas } from '../jobs/domain/quotas.js';
import type { Scope } from './scopes.js';

/** Whose jobs these are. */
export type Tenant = string;

/** The tenant of callers whose credential names none: the shared token, and everybody while authentication is off. */
export const defaultTenant: Tenant = 'default';

/** Who is calling, told by the credential and never by the request. */
export interface Caller {
  readonly tenant: Tenant;
  readonly scopes: ReadonlySet<Scope>;
  /** What the tenant may use. */
  readonly quotas: Quotas;
}
