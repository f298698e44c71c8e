import type { Migration } from '../migrate.js';

/** Jobs, what happens to them, idempotency keys, fairness and the gateways that draw. */
export const jobs: Migration = {
  version: 1,
  name: 'jobs',
  sql: `
    CREATE TABLE illustration.jobs (
      id uuid PRIMARY KEY,
      tenant text NOT NULL,
      kind text NOT NULL,
      state text NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'canceled', 'expired')),
      request jsonb NOT NULL,
      seed bigint NOT NULL CHECK (seed BETWEEN 0 AND 4294967295),
      images int NOT NULL CHECK (images > 0),
      total_steps int NOT NULL CHECK (total_steps > 0),
      result_keys text[] NOT NULL,
      request_id text NOT NULL,
      tag int NOT NULL,
      attempt int NOT NULL DEFAULT 0,
      last_seq int NOT NULL,
      is_cancel_requested boolean NOT NULL DEFAULT false,
      created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      started_at timestamptz,
      finished_at timestamptz,
      deadline timestamptz,
      progress jsonb,
      result jsonb,
      receipt jsonb,
      error jsonb,
      redrive_of uuid
    );
    CREATE INDEX jobs_of_tenant ON illustration.jobs (tenant, id DESC);
    CREATE INDEX jobs_of_tenant_in_state ON illustration.jobs (tenant, state, id DESC);
    CREATE INDEX jobs_queued ON illustration.jobs (tag, id) WHERE state = 'queued';
    CREATE INDEX jobs_queued_until ON illustration.jobs (deadline) WHERE state = 'queued';
    CREATE INDEX jobs_running ON illustration.jobs (id) WHERE state = 'running';
    CREATE INDEX jobs_succeeded ON illustration.jobs (finished_at DESC) WHERE state = 'succeeded';
    CREATE UNIQUE INDEX jobs_redrive ON illustration.jobs (redrive_of) WHERE redrive_of IS NOT NULL;

    CREATE TABLE illustration.job_events (
      job_id uuid NOT NULL REFERENCES illustration.jobs ON DELETE CASCADE,
      seq int NOT NULL,
      type text NOT NULL,
      data jsonb NOT NULL,
      at timestamptz NOT NULL DEFAULT clock_timestamp(),
      PRIMARY KEY (job_id, seq)
    );

    CREATE TABLE illustration.idempotency_keys (
      tenant text NOT NULL,
      key text NOT NULL,
      request_hash text NOT NULL,
      job_id uuid NOT NULL,
      expires_at timestamptz NOT NULL,
      PRIMARY KEY (tenant, key)
    );
    CREATE INDEX idempotency_keys_expired ON illustration.idempotency_keys (expires_at);

    CREATE TABLE illustration.tenants (
      tenant text PRIMARY KEY,
      next_tag int NOT NULL
    );
    CREATE TABLE illustration.fairness (
      is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
      virtual_time int NOT NULL
    );
    INSERT INTO illustration.fairness (virtual_time) VALUES (0);

    CREATE TABLE illustration.gateways (
      id uuid PRIMARY KEY,
      capacity int NOT NULL,
      heartbeat_at timestamptz NOT NULL
    );
  `,
};
