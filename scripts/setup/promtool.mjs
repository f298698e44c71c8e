// Prometheus' own tool, which checks rules and runs their unit tests: the machine's own, for its build takes many minutes.
import { spawnSync } from 'node:child_process';

/** undefined: it is not on this machine. Debian and Ubuntu have it in the package `prometheus`. */
export function promtool() {
  return spawnSync('promtool', ['--version']).status === 0 ? 'promtool' : undefined;
}
