import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** The folder belongs to another process now. */
export class FolderInUseError extends Error {
  override readonly name = 'FolderInUseError';

  constructor(
    readonly folder: string,
    /** undefined: the owner has not written it down yet. */
    readonly pid: number | undefined,
  ) {
    super(
      `the database folder ${folder} is in use by ${pid === undefined ? 'another process' : `process ${pid}`}: ` +
        'stop that one, or give this one a DATA_DIR of its own or a DATABASE_URL',
    );
  }
}

/**
 * Makes a folder exclusive to one process. The kernel holds the lock, so it is gone with its owner, `kill -9` included,
 * and it holds between containers that share the folder, where a pid file would lie. Node has no call for file locks;
 * SQLite takes one for an exclusive transaction, and that is all it is used for here.
 */
export class FolderLock {
  private constructor(
    private readonly holder: DatabaseSync,
    private readonly pidFile: string,
  ) {}

  /**
   * The lock lies beside the folder, as `<folder>.lock` and `<folder>.pid`: what is in the folder is the database's.
   *
   * @throws FolderInUseError
   */
  static acquire(folder: string): FolderLock {
    fs.mkdirSync(path.dirname(folder), { recursive: true });
    const pidFile = `${folder}.pid`;
    const holder = new DatabaseSync(`${folder}.lock`, { timeout: 0 });
    try {
      holder.exec('BEGIN EXCLUSIVE');
    } catch (error) {
      holder.close();
      throw isBusy(error) ? new FolderInUseError(folder, readPid(pidFile)) : error;
    }
    fs.writeFileSync(pidFile, `${process.pid}\n`);
    return new FolderLock(holder, pidFile);
  }

  release(): void {
    fs.rmSync(this.pidFile, { force: true });
    this.holder.close();
  }
}

/** SQLITE_BUSY and its kin: the primary result code is in the low byte. */
function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === 5;
}

function readPid(pidFile: string): number | undefined {
  if (!fs.existsSync(pidFile)) return undefined;
  const pid = Number.parseInt(fs.readFileSync(pidFile, 'utf8'), 10);
  return Number.isNaN(pid) ? undefined : pid;
}
