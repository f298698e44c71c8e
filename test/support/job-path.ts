import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Database } from '../../apps/gateway/src/database/database.js';
import { openDatabase } from '../../apps/gateway/src/database/open-database.js';
import { BossQueue, queueSchema } from '../../apps/gateway/src/jobs/boss-queue.js';
import { Capacity } from '../../apps/gateway/src/jobs/capacity.js';
import { JobCheckpoints } from '../../apps/gateway/src/jobs/job-checkpoints.js';
import { JobEvents } from '../../apps/gateway/src/jobs/job-events.js';
import { JobPreviews } from '../../apps/gateway/src/jobs/job-previews.js';
import { JobQueue } from '../../apps/gateway/src/jobs/job-queue.js';
import { JobRecovery } from '../../apps/gateway/src/jobs/job-recovery.js';
import { JobStore } from '../../apps/gateway/src/jobs/job-store.js';
import type { JobsConfig } from '../../apps/gateway/src/jobs/jobs-config.js';
import { newJobId, type NewJob } from '../../apps/gateway/src/jobs/new-job.js';
import { copyEmptyDatabase } from './pglite-template.js';
import { hasPostgres, PostgresServer } from './postgres-server.js';

/** A plain object, not the token of the injector. */
type Settings = { [Name in keyof JobsConfig]: JobsConfig[Name] };

const defaults: Settings = {
  maxAttempts: 3,
  maxQueuedJobs: 1000,
  stepTimeoutMs: 60_000,
  leaseSeconds: 10,
  retentionMs: 0,
  abortGraceMs: 500,
};

/** The job path of one gateway over a database, without Nest. */
export class JobPath {
  readonly config: Settings;
  readonly boss: BossQueue;
  readonly capacity: Capacity;
  readonly store: JobStore;
  readonly queue: JobQueue;
  readonly events: JobEvents;
  readonly recovery: JobRecovery;
  readonly checkpoints: JobCheckpoints;
  readonly previews: JobPreviews;
  /** What pg-boss complained of. */
  readonly troubles: unknown[] = [];

  private constructor(
    readonly database: Database,
    settings: Partial<Settings>,
  ) {
    this.config = { ...defaults, ...settings };
    this.boss = new BossQueue(database, { ...this.config, onError: (error) => this.troubles.push(error) });
    this.capacity = new Capacity(database);
    this.store = new JobStore(database, this.boss, this.capacity, this.config);
    this.queue = new JobQueue(database, this.boss);
    this.events = new JobEvents(database);
    this.recovery = new JobRecovery(database, this.boss);
    this.checkpoints = new JobCheckpoints(database);
    this.previews = new JobPreviews(database, this.events);
  }

  static async start(database: Database, settings: Partial<Settings> = {}): Promise<JobPath> {
    const jobPath = new JobPath(database, settings);
    await jobPath.boss.start();
    await jobPath.events.start();
    return jobPath;
  }

  /** Leaves no job behind, so that the next test begins with an empty queue. */
  async clear(): Promise<void> {
    await this.database.query(`
      TRUNCATE illustration.jobs, illustration.job_events, illustration.idempotency_keys, illustration.tenants,
        illustration.gateways, illustration.job_checkpoints, illustration.job_previews`);
    await this.database.query('UPDATE illustration.fairness SET virtual_time = 0');
    await this.database.query(`DELETE FROM ${queueSchema}.job`);
  }

  async stop(): Promise<void> {
    await this.events.stop();
    await this.boss.stop();
  }
}

/** A request that becomes a job; what is not given is of no importance. */
export function aJob(fields: Partial<NewJob> = {}): NewJob {
  const id = fields.id ?? newJobId();
  return {
    id,
    tenant: 'tenant-a',
    kind: 'memory',
    request: { prompt: 'a walk by the sea' },
    seed: 7,
    images: 1,
    totalSteps: 20,
    resultKeys: [`generated/user/memory_${id}.png`],
    requestId: 'request-1',
    traceparent: null,
    deadline: null,
    ...fields,
  };
}

/** A database for one spec file, and how many gateways can open it. */
export interface Backend {
  name: string;
  isAvailable: boolean;
  /** Several gateways share it, and it can be restarted. */
  isServer: boolean;
  start: () => Promise<StartedBackend>;
}

export interface StartedBackend {
  database: Database;
  /** A second gateway's connection to the same data; undefined: the embedded database has one owner. */
  openAnother: (() => Promise<Database>) | undefined;
  /** Stops the server and starts it again; undefined: there is none. */
  restart: (() => Promise<void>) | undefined;
  stop: () => Promise<void>;
}

export const backends: Backend[] = [
  { name: 'PGlite', isAvailable: true, isServer: false, start: startPglite },
  { name: 'PostgreSQL', isAvailable: hasPostgres, isServer: true, start: startPostgres },
];

async function startPglite(): Promise<StartedBackend> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'illustration-pglite-'));
  await copyEmptyDatabase(path.join(folder, 'database'));
  const database = await openDatabase({ url: undefined, folder: path.join(folder, 'database') });
  const stop = async (): Promise<void> => {
    await database.close();
    fs.rmSync(folder, { recursive: true, force: true });
  };
  return { database, openAnother: undefined, restart: undefined, stop };
}

async function startPostgres(): Promise<StartedBackend> {
  const server = await PostgresServer.start();
  const open = (): Promise<Database> => openDatabase({ url: server.url, folder: '' });
  const database = await open();
  const others: Database[] = [];
  const openAnother = async (): Promise<Database> => {
    const other = await open();
    others.push(other);
    return other;
  };
  const stop = async (): Promise<void> => {
    await Promise.all([database, ...others].map((one) => one.close()));
    await server.stop();
  };
  return { database, openAnother, restart: () => server.restart(), stop };
}
