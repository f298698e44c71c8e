// Every metric there is, asked of the code that declares them.
import { execFileSync } from 'node:child_process';
import { childEnvironment, inRoot, node24, pythonTool } from '../paths.mjs';

const gatewayModule = new URL(`file://${inRoot('dist', 'gateway', 'observability', 'metrics', 'metrics.js')}`).href;

/**
 * @typedef {{name: string, type: string, labels: string[], help: string}} MetricRow
 * @returns {MetricRow[]} the gateway's, the standard ones of a Node process last
 */
export function gatewayMetrics() {
  const text = `
    import { Metrics } from '${gatewayModule}';
    const metrics = new Metrics({ isDraining: () => false, isWorkerReady: () => false });
    metrics.watch();
    const types = new Map((await metrics.registry.getMetricsAsJSON()).map(({ name, type }) => [name, type]));
    const rows = metrics.registry.getMetricsAsArray().map(({ name, help, labelNames = [] }) => ({
      name, help, labels: labelNames, type: types.get(name) }));
    process.stdout.write(JSON.stringify(rows), () => process.exit(0));`;
  return JSON.parse(execFileSync(node24, ['--input-type=module', '-e', text], { cwd: inRoot(), encoding: 'utf8' }));
}

/** @returns {MetricRow[]} */
export function workerMetrics() {
  const env = childEnvironment();
  return JSON.parse(
    execFileSync(pythonTool('python'), ['-m', 'illustration_worker.metrics'], { encoding: 'utf8', env }),
  );
}

export const isOurs = ({ name }) => name.startsWith('illustration_');
