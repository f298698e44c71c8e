import { resolve } from 'node:path';

/** Where the settings say that the API keys are, for the command that makes the file before the service can start. */
export function apiKeysPath(): string | undefined {
  const { API_KEYS_FILE: path = '' } = process.env;
  return path === '' ? undefined : resolve(path);
}
