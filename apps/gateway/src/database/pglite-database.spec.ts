import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JobPath } from '../../../../test/support/job-path.js';
import { FolderInUseError, FolderLock } from './folder-lock.js';
import { openDatabase } from './open-database.js';

// One owner at a time for the embedded database, and nothing lost when the owner is killed.
const support = fileURLToPath(new URL('../../../../test/support/', import.meta.url));

let dataDir: string;
beforeAll(() => {
  dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'illustration-owner-'));
});
afterAll(() => {
  fs.rmSync(dataDir, { recursive: true, force: true });
});

it('locks a folder once, also within one process, until it is released', () => {
  const folder = path.join(dataDir, 'locked');
  const lock = FolderLock.acquire(folder);
  expect(() => FolderLock.acquire(folder)).toThrow(FolderInUseError);
  lock.release();
  FolderLock.acquire(folder).release();
});

const startOwner = async (folder: string): Promise<ChildProcess> => {
  const args = ['--import', path.join(support, 'run-typescript.mjs'), path.join(support, 'database-owner.ts'), folder];
  const owner = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise<void>((resolve, reject) => {
    owner.stdout?.once('data', () => resolve());
    owner.once('exit', (code) => reject(new Error(`the owner ended with ${code}`)));
  });
  return owner;
};

describe('the folder of a process that is killed', () => {
  it('is refused while it lives, and whole afterwards', async () => {
    const folder = path.join(dataDir, 'database');
    const owner = await startOwner(folder);

    const refusal: unknown = await openDatabase({ url: undefined, folder }).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(FolderInUseError);
    expect(refusal).toMatchObject({ folder, pid: owner.pid });
    expect(String(refusal)).toContain(`${folder} is in use by process ${owner.pid}`);

    const exited = new Promise((resolve) => owner.once('exit', resolve));
    owner.kill('SIGKILL');
    await exited;

    const database = await openDatabase({ url: undefined, folder });
    const jobs = await JobPath.start(database);
    expect((await jobs.store.list('tenant-a', { pageSize: 10 })).jobs.map(({ state }) => state)).toEqual([
      ...Array<string>(4).fill('queued'),
      'running',
    ]);
    expect(await jobs.recovery.reclaimAll()).toBe(1);
    const { leases } = await jobs.queue.lease(10, null);
    expect(leases.map(({ job }) => job.attempt)).toEqual([2, 1, 1, 1, 1]);
    for (const lease of leases) await jobs.queue.complete(lease, { type: 'succeeded', result: {}, receipt: {} });
    await jobs.stop();
    await database.close();
  }, 60_000);
});
