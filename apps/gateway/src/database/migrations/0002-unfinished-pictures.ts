import type { Migration } from '../migrate.js';

/** What is kept of a picture only while it is being drawn. */
export const unfinishedPictures: Migration = {
  version: 2,
  name: 'unfinished-pictures',
  sql: `
    CREATE TABLE illustration.job_checkpoints (
      job_id uuid NOT NULL REFERENCES illustration.jobs ON DELETE CASCADE,
      image int NOT NULL CHECK (image >= 0),
      attempt int NOT NULL,
      step int NOT NULL CHECK (step > 0),
      data bytea NOT NULL,
      at timestamptz NOT NULL DEFAULT clock_timestamp(),
      PRIMARY KEY (job_id, image)
    );

    -- Unlogged: a preview that a crash of the server loses is followed by the next one.
    CREATE UNLOGGED TABLE illustration.job_previews (
      job_id uuid PRIMARY KEY REFERENCES illustration.jobs ON DELETE CASCADE,
      attempt int NOT NULL,
      image int NOT NULL CHECK (image >= 0),
      step int NOT NULL CHECK (step > 0),
      data bytea NOT NULL
    );
  `,
};
