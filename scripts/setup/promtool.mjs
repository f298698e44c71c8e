// Prometheus' own tool, which checks rules and runs their unit tests: the machine's, else built with Go.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { run, step } from '../progress.mjs';
import { goModuleFolder, goToolPath } from './go-tool.mjs';

const module = 'github.com/prometheus/prometheus';
const version = 'v0.313.5';
const built = goToolPath({ name: 'promtool', version });

/** The command; undefined: neither is it on this machine nor is Go there to build it. */
export function promtool() {
  if (fs.existsSync(built)) return built;
  return spawnSync('promtool', ['--version']).status === 0 ? 'promtool' : undefined;
}

/** In the module's own folder: `go install` refuses a module that replaces one of its dependencies, as this one does. */
export async function ensurePromtool() {
  if (promtool() !== undefined) return;
  const folder = goModuleFolder(module, version);
  if (folder === undefined) return;
  await step(`Prometheus rules and their tests (promtool ${version}, built with Go)`, async () => {
    fs.mkdirSync(path.dirname(built), { recursive: true });
    // Its go.work names modules that a download does not have.
    const build = ['GOWORK=off', 'go', 'build', '-C', folder, '-o', `${built}.new`, './cmd/promtool'];
    await run('promtool', 'env', build);
    fs.renameSync(`${built}.new`, built);
  });
}
