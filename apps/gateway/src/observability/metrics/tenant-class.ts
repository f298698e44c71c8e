/**
 * What a metric may tell of a tenant. Every value of a label is a time series for ever, so a tenant's own name is none:
 * `default` are the callers that share the one token, `named` all others together.
 */
export type TenantClass = 'default' | 'named';

export function tenantClassOf(tenant: string): TenantClass {
  return tenant === 'default' ? 'default' : 'named';
}
