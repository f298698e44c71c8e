// Commands that are built once from the Go module proxy, where Go is present, and kept in .cache/tools by their version.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { inRoot } from '../paths.mjs';
import { run, step } from '../progress.mjs';

const folder = inRoot('.cache', 'tools');

/** @param {{name: string, version: string}} tool */
export const goToolPath = ({ name, version }) => path.join(folder, `${name}-${version}`);

export const hasGo = () => spawnSync('go', ['version']).status === 0;

/**
 * Builds the command unless it is there. Without Go nothing is built: who needs it says what is left out.
 * @param {{name: string, version: string, package: string, purpose: string}} tool `package`: the import path of the command
 */
export async function ensureGoTool(tool) {
  if (fs.existsSync(goToolPath(tool)) || !hasGo()) return;
  await step(`${tool.purpose} (${tool.name} ${tool.version}, built with Go)`, async () => {
    fs.mkdirSync(folder, { recursive: true });
    // Built elsewhere and moved into place: a build that is cut off leaves nothing that looks finished.
    const building = fs.mkdtempSync(path.join(folder, 'build-'));
    try {
      await run(tool.name, 'env', [`GOBIN=${building}`, 'go', 'install', `${tool.package}@${tool.version}`]);
      fs.renameSync(path.join(building, fs.readdirSync(building)[0]), goToolPath(tool));
    } finally {
      fs.rmSync(building, { recursive: true, force: true });
    }
  });
}

/**
 * The source of a Go module, unpacked in Go's module cache.
 * @returns the folder; undefined without Go
 */
export function goModuleFolder(module, version) {
  const result = spawnSync('go', ['mod', 'download', '-json', `${module}@${version}`], {
    encoding: 'utf8',
    cwd: os.tmpdir(),
  });
  return result.status === 0 ? JSON.parse(result.stdout).Dir : undefined;
}
