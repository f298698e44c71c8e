import { randomUUID } from 'node:crypto';
import { link, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * Writes a file so that readers, and the disk after a power cut, hold all of it or nothing: a hidden file beside it is
 * written, flushed, then renamed over the name. `path`'s folder must exist. Nothing is left behind on failure.
 */
export function writeAtomically(path: string, body: Buffer, signal?: AbortSignal): Promise<void> {
  return publish(path, body, { by: rename, signal });
}

/**
 * The same for a name that nobody may have yet: a hard link fails where a rename replaces. Of many writers one succeeds.
 *
 * @returns false when the name is taken; what is there is whole and stays as it is
 */
export async function writeOnceAtomically(path: string, body: Buffer, signal?: AbortSignal): Promise<boolean> {
  try {
    await publish(path, body, { by: link, signal });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

interface Publication {
  /** Gives the written file its name. */
  by: (temporary: string, path: string) => Promise<void>;
  signal?: AbortSignal;
}

async function publish(path: string, body: Buffer, { by, signal }: Publication): Promise<void> {
  const temporary = join(dirname(path), `.${randomUUID()}.tmp`);
  try {
    await writeFlushed(temporary, body, signal);
    await by(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
  await flushFolder(dirname(path));
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
