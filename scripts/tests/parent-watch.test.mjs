// A process whose parent has ended is told so, however the parent ended.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { test } from 'node:test';
import { inRoot } from '../paths.mjs';

test('the end of the parent is noticed', async () => {
  const watcher = `
    import { watchParent } from ${JSON.stringify(inRoot('scripts', 'service', 'parent-watch.mjs'))};
    watchParent(() => { console.log('gone'); process.exit(); });
    console.log('watching');
    setInterval(() => {}, 1000);`;
  const parent = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { spawn } from 'node:child_process';
       spawn(process.execPath, ['--input-type=module', '-e', ${JSON.stringify(watcher)}], { stdio: 'inherit' });
       setInterval(() => {}, 1000);`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let text = '';
  parent.stdout.on('data', (chunk) => {
    text += chunk;
    if (text.includes('watching')) parent.kill('SIGKILL');
  });
  await once(parent.stdout, 'close');
  assert.match(text, /watching\ngone\n/);
});
