import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * Writes a file so that readers, and the disk after a power cut, hold all of it or nothing: a hidden file beside it is
 * written, flushed, then renamed over the name. `path`'s folder must exist. Nothing is left behind on failure.
 */
export async function writeAtomically(path: string, body: Buffer, signal?: AbortSignal): Promise<void> {
  const temporary = join(dirname(path), `.${randomUUID()}.tmp`);
  try {
    await writeFlushed(temporary, body, signal);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
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

/** Makes the rename itself durable. */
async function flushFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
