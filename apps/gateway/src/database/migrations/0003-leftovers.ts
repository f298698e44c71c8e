import type { Migration } from '../migrate.js';

/** For the search of what jobs without a result may have left in the object store. */
export const leftovers: Migration = {
  version: 3,
  name: 'leftovers',
  sql: `
    CREATE INDEX jobs_without_result ON illustration.jobs (finished_at)
      WHERE state IN ('failed', 'canceled', 'expired') AND attempt > 0;
  `,
};
