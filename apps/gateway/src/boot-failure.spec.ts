// What an operator reads when the service does not start.
import { once } from 'node:events';
import { createServer } from 'node:http';

import { expect, it } from 'vitest';

import { bootFailureLines } from './boot-failure.js';
import { loadConfig } from './config/load-config.js';
import { FolderInUseError } from './database/folder-lock.js';
import { listen } from './http/listen.js';

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

it('names every setting that is wrong on a line of its own, without a stack', () => {
  const lines = bootFailureLines(thrownBy(() => loadConfig({ PORT: 'x', AUTH_ENABLED: 'true' })));
  expect(lines).toEqual([
    expect.stringMatching(/^configuration: PORT: [^\n]+$/),
    'configuration: AUTH_TOKEN: needed when AUTH_ENABLED is true, unless there is API_KEYS_FILE or JWT_ISSUER',
  ]);
});

it('says in one line that the port is taken', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const address = taken.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const failure: unknown = await listen(createServer(), { host: '127.0.0.1', port }).catch((error: unknown) => error);
  expect(bootFailureLines(failure)).toEqual([`cannot listen: port ${port} is in use; set PORT to another one`]);
  taken.close();
});

it('says in one line whose the database folder is', () => {
  const [line, ...more] = bootFailureLines(new FolderInUseError('/srv/database', 4711));
  expect(line).toContain('the database folder /srv/database is in use by process 4711');
  expect(more).toEqual([]);
});

it('keeps the stack of what it does not know', () => {
  expect(bootFailureLines(new Error('surprise')).join('\n')).toMatch(/^cannot start: Error: surprise\n\s+at /);
});
