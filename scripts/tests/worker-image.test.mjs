// The worker's image makes its generated code by a command of its own: it must make all that the worker imports. It carries
// the model that the profile without a GPU draws with.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { parse } from 'yaml';
import { childEnvironment, inRoot } from '../paths.mjs';
import { sketchModel } from '../service/models.mjs';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'worker-image-'));
after(() => fs.rmSync(folder, { recursive: true }));

const dockerfile = fs.readFileSync(inRoot('deploy', 'worker', 'Dockerfile'), 'utf8').replaceAll('\\\n', ' ');

test("the Dockerfile's protoc makes every module of the contract", () => {
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

test('the image carries the built-in model, as the profile cpu names it', () => {
  const [, source, target] = /^COPY --chown=\S+ (worker-python\/models\S*) (\S+)$/m.exec(dockerfile) ?? [];
  const { environment } = parse(fs.readFileSync(inRoot('docker-compose.yml'), 'utf8')).services['worker-cpu'];
  assert.equal(inRoot(source), sketchModel.MODEL_PATH);
  assert.deepEqual([environment.MODEL_PATH, environment.IP_ADAPTER], [target, target]);
  assert.equal(environment.IP_ADAPTER_WEIGHTS, sketchModel.IP_ADAPTER_WEIGHTS);
});

test('the weights of the built-in model are in the repository', () => {
  const { MODEL_PATH: model, IP_ADAPTER_SUBFOLDER: subfolder, IP_ADAPTER_WEIGHTS: adapter } = sketchModel;
  const files = ['model_index.json', 'model-notes.json', path.join(subfolder, adapter)];
  assert.deepEqual(
    files.filter((file) => !fs.existsSync(path.join(model, file))),
    [],
  );
});

/** What Python imports for the files of one package. */
function modulesOf(below) {
  return fs
    .readdirSync(path.join(folder, 'proto', below))
    .map((file) => path.join(below, file.replace('.proto', '_pb2.py')));
}
