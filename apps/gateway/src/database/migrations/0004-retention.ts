import type { Migration } from '../migrate.js';

/** For forgetting jobs that ended long ago, the oldest first. */
export const retention: Migration = {
  version: 4,
  name: 'retention',
  sql: `
    CREATE INDEX jobs_ended ON illustration.jobs (finished_at) WHERE finished_at IS NOT NULL;
  `,
};
