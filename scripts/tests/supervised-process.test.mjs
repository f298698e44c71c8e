// A supervised process comes back when it is killed, stays down when it is stopped, and a wrong start is final.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import process from 'node:process';
import { test } from 'node:test';
import { supervise } from '../service/supervised-process.mjs';

const start = (script, options = {}) =>
  supervise({ command: process.execPath, args: ['-e', script], env: process.env, stdio: 'ignore', ...options });
const forEver = 'setInterval(() => {}, 1000)';

test('a killed process is started again', async () => {
  let report;
  const restarted = new Promise((resolve) => (report = resolve));
  const supervised = start(forEver, { onExit: (why) => report(why) });
  const first = supervised.pid;
  process.kill(first, 'SIGKILL');
  assert.equal(await restarted, 'was ended by SIGKILL');
  while (supervised.pid === undefined) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.notEqual(supervised.pid, first);
  await supervised.stop();
  assert.equal(supervised.pid, undefined);
});

test('a process that refuses to start is not started again', async () => {
  const supervised = start('process.exit(3)', { mustStart: true });
  assert.deepEqual(await supervised.ended, { code: 3, why: 'exited with code 3' });
});

test('stop lets the process finish in its own way', async () => {
  const supervised = start(
    `process.on('SIGTERM', () => setTimeout(() => process.exit(7), 50)); process.send('up'); ${forEver}`,
    {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    },
  );
  await once(supervised.child, 'message');
  assert.deepEqual(await supervised.stop(), { code: 7, why: 'exited with code 7' });
});
