import { realpath } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';

// No hidden names (temporary files are hidden), no parent folder, no separator of any system.
const segmentPattern = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** The path would leave the store's folder. */
export class OutsideFolderError extends Error {
  override readonly name = 'OutsideFolderError';
}

/** `key` as a path below `folder`. @throws OutsideFolderError for anything that is not a plain key. */
export function pathOfKey(folder: string, key: string): string {
  const segments = key.split('/');
  if (!segments.every((segment) => segmentPattern.test(segment) && !segment.includes('..'))) {
    throw new OutsideFolderError('not an object key');
  }
  return join(folder, ...segments);
}

/**
 * Proves that the folder `path` lies in is really below `folder`, symbolic links followed: a link planted inside the
 * store must not read or write elsewhere. The file itself is opened without following links by the caller.
 *
 * @throws OutsideFolderError when it is not; ENOENT when the folder does not exist.
 */
export async function proveContained(folder: string, path: string): Promise<void> {
  const [root, parent] = await Promise.all([realpath(folder), realpath(dirname(path))]);
  if (parent !== root && !parent.startsWith(root.endsWith(sep) ? root : root + sep)) {
    throw new OutsideFolderError('the path leaves the folder through a link');
  }
}
