// Prometheus' own tool, which checks rules and runs their unit tests: the machine's, else built with Go.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { ensureGoTool, goToolPath } from './go-tool.mjs';

const tool = {
  name: 'promtool',
  version: 'v0.313.5',
  package: 'github.com/prometheus/prometheus/cmd/promtool',
  purpose: 'Prometheus rules and their tests',
};

/** The command; undefined: neither is it on this machine nor is Go there to build it. */
export function promtool() {
  if (fs.existsSync(goToolPath(tool))) return goToolPath(tool);
  return spawnSync('promtool', ['--version']).status === 0 ? 'promtool' : undefined;
}

export async function ensurePromtool() {
  if (promtool() === undefined) await ensureGoTool(tool);
}
