import type { Migration } from '../migrate.js';

/** So that a job is drawn, wherever and whenever, as a part of the trace that brought it. */
export const traceContext: Migration = {
  version: 5,
  name: 'trace-context',
  sql: `
    ALTER TABLE illustration.jobs ADD COLUMN traceparent text;
  `,
};
