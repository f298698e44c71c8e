import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** A file so old belongs to no write that still goes on. */
const abandonedAfterMs = 3_600_000;

/**
 * Writes files so that readers, and the disk after a power cut, hold all of one or nothing: it is written and flushed in
 * a folder of its own, then given its name. The folder of that name must exist, on the same file system.
 */
export class AtomicWrites {
  /** @param incoming where unfinished files lie; nobody else's */
  constructor(private readonly incoming: string) {}

  /** Replaces what is there. Nothing is left behind on failure. */
  replace(path: string, body: Buffer, signal?: AbortSignal): Promise<void> {
    return this.publish(path, body, { by: rename, signal });
  }

  /**
   * The same for a name that nobody may have yet: a hard link fails where a rename replaces. Of many writers one succeeds.
   *
   * @returns false when the name is taken; what is there is whole and stays as it is
   */
  async create(path: string, body: Buffer, signal?: AbortSignal): Promise<boolean> {
    try {
      await this.publish(path, body, { by: link, signal });
      return true;
    } catch (error) {
      if (hasCode(error, 'EEXIST')) return false;
      throw error;
    }
  }

  /** Removes what processes have left that were killed while they wrote. */
  async removeAbandoned(now = Date.now()): Promise<void> {
    for (const name of await this.unfinished()) {
      const path = join(this.incoming, name);
      try {
        if ((await stat(path)).mtimeMs < now - abandonedAfterMs) await rm(path, { force: true });
      } catch (error) {
        // Its writer has just finished.
        if (!hasCode(error, 'ENOENT')) throw error;
      }
    }
  }

  private async unfinished(): Promise<string[]> {
    try {
      return await readdir(this.incoming);
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return [];
      throw error;
    }
  }

  private async publish(path: string, body: Buffer, { by, signal }: Publication): Promise<void> {
    await mkdir(this.incoming, { recursive: true });
    const unfinished = join(this.incoming, randomUUID());
    try {
      await writeFlushed(unfinished, body, signal);
      await by(unfinished, path);
    } finally {
      await rm(unfinished, { force: true });
    }
    await flushFolder(dirname(path));
  }
}

interface Publication {
  /** Gives the written file its name. */
  by: (unfinished: string, path: string) => Promise<void>;
  signal?: AbortSignal;
}

async function writeFlushed(path: string, body: Buffer, signal?: AbortSignal): Promise<void> {
  // 'wx': never through a link somebody put there.
  const file = await open(path, 'wx', 0o640);
  try {
    await file.writeFile(body, { signal });
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes the new name itself durable. */
async function flushFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
