import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { PGlite } from '@electric-sql/pglite';

/** Making an empty database takes seconds, copying one does not: the first test on a machine makes it for all. */
const template = path.join(os.tmpdir(), `illustration-empty-pglite-${version()}`);

/** Puts an empty database, without any schema of ours, into a folder that is not there yet. */
export async function copyEmptyDatabase(folder: string): Promise<void> {
  if (!fs.existsSync(template)) await makeTemplate();
  fs.cpSync(template, folder, { recursive: true });
}

async function makeTemplate(): Promise<void> {
  const unfinished = fs.mkdtempSync(`${template}-`);
  const database = await PGlite.create(unfinished);
  await database.close();
  try {
    fs.renameSync(unfinished, template);
  } catch (error) {
    // Another test was quicker; its copy is as good.
    fs.rmSync(unfinished, { recursive: true });
    if (!fs.existsSync(template)) throw error;
  }
}

function version(): string {
  const file = new URL('../../node_modules/@electric-sql/pglite/package.json', import.meta.url);
  const manifest: unknown = JSON.parse(fs.readFileSync(file, 'utf8'));
  if (typeof manifest !== 'object' || manifest === null || !('version' in manifest)) throw new Error('no version');
  return String(manifest.version);
}
