// The settings of both processes, as their own code declares them.
import { execFileSync } from 'node:child_process';
import { childEnvironment, inRoot, node24, pythonTool } from '../paths.mjs';

/** @returns {{name: string, default: unknown, description: string}[]} */
export function gatewaySettings() {
  return evaluate(`
    import { envSchema } from '${moduleUrl('config/env.schema.js')}';
    const rows = Object.entries(envSchema.shape).map(([name, field]) => ({
      name, default: field.def.type === 'default' ? field.def.defaultValue : undefined, description: field.description ?? '' }));
    process.stdout.write(JSON.stringify(rows));`);
}

/** @returns {{name: string, default: unknown, description: string}[]} */
export function workerSettings() {
  return JSON.parse(
    execFileSync(pythonTool('python'), ['-m', 'illustration_worker.settings'], {
      encoding: 'utf8',
      env: childEnvironment(),
    }),
  );
}

/** The address of a module of the built gateway. */
export const moduleUrl = (name) => new URL(`file://${inRoot('dist', 'gateway', name)}`).href;

/** Runs a module's text on Node 24 and parses what it prints as JSON. */
export function evaluate(text) {
  return JSON.parse(execFileSync(node24, ['--input-type=module', '-e', text], { cwd: inRoot(), encoding: 'utf8' }));
}
