// The worker's image makes its generated code by a command of its own: it must make all that the worker imports.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { childEnvironment, inRoot } from '../paths.mjs';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'worker-image-'));
after(() => fs.rmSync(folder, { recursive: true }));

test("the Dockerfile's protoc makes every module of the contract", () => {
  const dockerfile = fs.readFileSync(inRoot('deploy', 'worker', 'Dockerfile'), 'utf8').replaceAll('\\\n', ' ');
  const [, options] = /python -m (grpc_tools\.protoc .*?) &&/.exec(dockerfile) ?? [];
  assert.ok(options, 'there is no such command');
  fs.cpSync(inRoot('proto'), path.join(folder, 'proto'), { recursive: true });
  fs.mkdirSync(path.join(folder, 'src'));
  execFileSync('sh', ['-c', `python -m ${options}`], { cwd: folder, env: childEnvironment() });
  const modules = ['errors', 'worker'].flatMap((name) => modulesOf(path.join('autobio', name, 'v1')));
  assert.ok(modules.length > 1);
  assert.deepEqual(
    modules.filter((file) => !fs.existsSync(path.join(folder, 'src', file))),
    [],
  );
});

/** What Python imports for the files of one package. */
function modulesOf(below) {
  return fs
    .readdirSync(path.join(folder, 'proto', below))
    .map((file) => path.join(below, file.replace('.proto', '_pb2.py')));
}
