// Code for both languages from proto/, by the tools the two lock files pin. Nothing generated is committed.
import fs from 'node:fs';
import path from 'node:path';
import { inRoot, nodeTool, pythonTool } from '../paths.mjs';
import { run, step } from '../progress.mjs';
import { makeIfChanged } from './stamp.mjs';

export function ensureGeneratedCode() {
  return makeIfChanged({
    stamp: 'worker-python/src/autobio/.setup-stamp',
    product: 'apps/gateway/src/generated/autobio',
    inputs: ['proto', 'scripts/setup/generated-code.mjs', 'package-lock.json', 'worker-python/requirements-dev.lock'],
    make: () => step('Code from proto/ (TypeScript, Python)', generateCode),
  });
}

export async function generateCode() {
  await run('buf-generate', nodeTool('buf'), ['generate'], { cwd: inRoot('proto') });
  // What gRPC reflection tells of the public API.
  const descriptors = inRoot('apps', 'gateway', 'src', 'generated', 'public-descriptors.json');
  const publicApi = ['build', '--path', 'autobio/illustration', '--as-file-descriptor-set', '-o', descriptors];
  await run('buf-build', nodeTool('buf'), publicApi, { cwd: inRoot('proto') });
  const out = inRoot('worker-python', 'src');
  fs.rmSync(inRoot('worker-python', 'src', 'autobio'), { recursive: true, force: true });
  const outputs = ['python', 'pyi', 'grpc_python', 'mypy_grpc'].map((kind) => `--${kind}_out=${out}`);
  await run('protoc-python', pythonTool('python'), [
    '-m',
    'grpc_tools.protoc',
    `-I${inRoot('proto')}`,
    ...outputs,
    ...protoFiles(),
  ]);
}

/** The private contract and the reasons: what the worker speaks. The public API is the gateway's alone. */
function protoFiles() {
  return ['errors', 'worker'].flatMap((name) => {
    const folder = inRoot('proto', 'autobio', name, 'v1');
    return fs.readdirSync(folder).map((file) => path.join(folder, file));
  });
}
