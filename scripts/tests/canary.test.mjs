// The search for callers' words in logs finds them, however they were written down, and nothing else.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { inRoot } from '../paths.mjs';
import { canary, leaksIn, scanLogs } from '../privacy/canary.mjs';

const line = (msg) => JSON.stringify({ time: '2026-11-25T10:00:00.000Z', level: 'info', msg });

for (const [as, disguise] of Object.entries({
  text: (text) => text,
  'text in capitals': (text) => text.toUpperCase(),
  'an address': encodeURIComponent,
  hexadecimal: (text) => Buffer.from(text).toString('hex'),
  base64: (text) => Buffer.from(text).toString('base64'),
  base64url: (text) => Buffer.from(text).toString('base64url'),
})) {
  test(`a leak as ${as} is found, wherever it begins`, () => {
    for (const before of ['', 'a', 'ab', 'abc', 'the lake with the ']) {
      const text = [line('fine'), line(disguise(`${before}${canary} by night`)), line('fine')].join('\n');
      assert.deepEqual(
        leaksIn(text).map((leak) => leak.line),
        [2],
        `after '${before}'`,
      );
    }
  });
}

test('what logs usually say is no leak', () => {
  const hex = Array.from({ length: 50_000 }, (_, index) => (index * 2654435761).toString(16)).join('');
  const text = [line('job accepted'), line(hex), line(Buffer.from(hex, 'hex').toString('base64'))].join('\n');
  assert.deepEqual(leaksIn(text), []);
});

test('file and line are told, and not what the line says', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'illustration-canary-'));
  fs.writeFileSync(path.join(folder, 'clean.log'), `${line('fine')}\n`);
  fs.writeFileSync(path.join(folder, 'gateway.log'), `${line('fine')}\n${line(`a secret of ${canary}`)}\n`);
  const { files, lines, leaks } = scanLogs(folder);
  fs.rmSync(folder, { recursive: true });
  assert.deepEqual({ files, lines }, { files: 2, lines: 3 });
  assert.deepEqual(leaks, [`${path.join(folder, 'gateway.log')}:2: a caller's words, as text`]);
});

test("the worker's tests use the same word", () => {
  const source = fs.readFileSync(inRoot('worker-python', 'tests', 'component', 'rpc', 'conftest.py'), 'utf8');
  assert.match(source, new RegExp(`^CANARY = "${canary}"$`, 'm'));
});
