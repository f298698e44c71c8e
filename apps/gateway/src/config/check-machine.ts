import { mkdtempSync, readFileSync, rmdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

import { apiKeyFileProblem } from '../auth/api-key-file.js';
import type { Env } from './env.schema.js';

const writableByOthers = 0o002;

/** What the settings need of this machine. Nothing stays changed. */
export function checkMachine(env: Env, workingDir: string): string[] {
  return [
    ...dataFolder(resolve(workingDir, env.DATA_DIR)),
    ...(env.AUTH_ENABLED && env.API_KEYS_FILE !== undefined ? keysFile(resolve(workingDir, env.API_KEYS_FILE)) : []),
  ];
}

/** Written to, or, while it is not there yet, to be made in the nearest folder that is. */
function dataFolder(folder: string): string[] {
  try {
    const nearest = nearestExisting(folder);
    if (!statSync(nearest).isDirectory()) return ['DATA_DIR: a part of the path is a file, not a folder'];
    // Tried and not asked for: rights alone tell nothing of read-only and full file systems, nor of what root may do.
    rmdirSync(mkdtempSync(join(nearest, '.illustration-')));
    return [];
  } catch {
    return ['DATA_DIR: this user cannot write there'];
  }
}

function nearestExisting(folder: string): string {
  return statSync(folder, { throwIfNoEntry: false }) === undefined ? nearestExisting(dirname(folder)) : folder;
}

/** Whoever can write the file can give themselves a key. */
function keysFile(path: string): string[] {
  try {
    const problem = apiKeyFileProblem(readFileSync(path, 'utf8'));
    const isOpen = (statSync(path).mode & writableByOthers) !== 0;
    return [
      ...(problem === undefined ? [] : [`API_KEYS_FILE: ${problem}`]),
      ...(isOpen ? ['API_KEYS_FILE: everybody on this machine may write the file'] : []),
    ];
  } catch {
    return ['API_KEYS_FILE: cannot be read'];
  }
}
