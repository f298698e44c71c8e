// Where things are, as absolute paths.
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
export const inRoot = (...parts) => path.join(root, ...parts);

/** A tool from node_modules, by its name. */
export const nodeTool = (name) => inRoot('node_modules', '.bin', name);
/** Node 24, as the npm package `node` brings it. */
export const node24 = inRoot('node_modules', 'node', 'bin', 'node');

export const workerFolder = inRoot('worker-python');
export const venv = inRoot('worker-python', '.venv');
/** A tool of the Python environment, by its name. */
export const pythonTool = (name) => path.join(venv, 'bin', name);

export const randomModelFolder = inRoot('.cache', 'random-model');
export const setupLogFolder = inRoot('.cache', 'setup');

/** The environment of every child: Node 24 and the Python tools first on PATH. */
export const childEnvironment = () => ({
  ...process.env,
  PATH: [inRoot('node_modules', '.bin'), path.join(venv, 'bin'), process.env.PATH].join(path.delimiter),
});
