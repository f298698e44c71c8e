import type { Migration } from '../migrate.js';

/** What tenants use, for their quotas: all gateways count in one place. */
export const usage: Migration = {
  version: 6,
  name: 'usage',
  sql: `
    -- When the requests of a tenant so far would have come, had they come evenly: see quota-check.ts.
    CREATE TABLE illustration.request_rates (
      tenant text PRIMARY KEY,
      paid_until timestamptz NOT NULL
    );

    CREATE TABLE illustration.gpu_usage (
      tenant text NOT NULL,
      day date NOT NULL,
      seconds float8 NOT NULL,
      PRIMARY KEY (tenant, day)
    );
  `,
};
