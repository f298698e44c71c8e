// The names that the two processes read from their environment.
import { gatewaySettings, workerSettings } from '../docs/settings.mjs';

/** What the libraries below them read by themselves. */
const ofLibraries = [
  'HF_HOME',
  'NODE_ENV',
  'OMP_NUM_THREADS',
  'PYTHONUNBUFFERED',
  'TRITON_CACHE_DIR',
  'XDG_CACHE_HOME',
];
const ofAws = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'];

/** @returns {{gateway: Set<string>, worker: Set<string>}} */
export function knownSettings() {
  const names = (settings) => settings.map(({ name }) => name);
  return {
    gateway: new Set([...names(gatewaySettings()), ...ofLibraries]),
    worker: new Set([...names(workerSettings()), ...ofLibraries, ...ofAws]),
  };
}
