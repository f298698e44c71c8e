import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Global, Logger, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { expect, it } from 'vitest';
import { aJob } from '../../../../test/support/job-path.js';
import { copyEmptyDatabase } from '../../../../test/support/pglite-template.js';
import { drawn, ScriptedRunner } from '../../../../test/support/scripted-runner.js';
import { DatabaseConfig } from '../database/database-config.js';
import { DatabaseModule } from '../database/database.module.js';
import { PgliteDatabase } from '../database/pglite-database.js';
import { Shutdown } from '../lifecycle/shutdown.js';
import { JobEvents } from './job-events.js';
import { JobRunner } from './job-runner.js';
import { JobStore } from './job-store.js';
import { JobsConfig } from './jobs-config.js';
import { DispatcherModule, JobsModule } from './jobs.module.js';

Logger.overrideLogger(false);

const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'illustration-module-'));
const folder = path.join(dataDir, 'database');
const runner = new ScriptedRunner(1);

@Global()
@Module({
  providers: [
    { provide: DatabaseConfig, useValue: { url: undefined, folder } satisfies DatabaseConfig },
    {
      provide: JobsConfig,
      useValue: {
        maxAttempts: 3,
        maxQueuedJobs: 10,
        stepTimeoutMs: 60_000,
        leaseSeconds: 10,
        retentionMs: 0,
        abortGraceMs: 1000,
      } satisfies JobsConfig,
    },
    { provide: Shutdown, useValue: new Shutdown({ shutdown: { graceMs: 5000, delayMs: 0 } }) },
  ],
  exports: [DatabaseConfig, JobsConfig, Shutdown],
})
class SettingsModule {}

@Module({ providers: [{ provide: JobRunner, useValue: runner }], exports: [JobRunner] })
class RunnersModule {}

// The modules as the gateway puts them together: up in the right order, down in the right order.
it('runs jobs from the start of the application, and ends them when it closes', async () => {
  await copyEmptyDatabase(folder);
  const imports = [SettingsModule, DatabaseModule, JobsModule, DispatcherModule.forRunner(RunnersModule)];
  const app = await (await Test.createTestingModule({ imports }).compile()).init();
  const { job } = await app.get(JobStore).accept(aJob());
  for await (const { type } of app.get(JobEvents).watch(job.tenant, job.id)) expect(type).not.toBe('failed');

  const finish: (() => void)[] = [];
  runner.script = () => new Promise((resolve) => finish.push(() => resolve(drawn)));
  const last = (await app.get(JobStore).accept(aJob())).job;
  await expect.poll(() => finish.length).toBe(1);
  const closing = app.close();
  finish.forEach((one) => one());
  await closing;

  const database = await PgliteDatabase.open(folder);
  const states = await database.query('SELECT id, state FROM illustration.jobs ORDER BY id');
  expect(states).toEqual([job, last].map(({ id }) => ({ id, state: 'succeeded' })));
  await database.close();
  fs.rmSync(dataDir, { recursive: true, force: true });
}, 60_000);
