// Everything that is checked without running the service: formatting, lint, types, layers, contract, containers, docs.
import fs from 'node:fs';
import { inRoot, node24, nodeTool, pythonTool, workerFolder } from '../paths.mjs';
import { CommandFailed, run, step } from '../progress.mjs';
import { composeLoader, ensureDeployTools, hasComposeLoader, hasKubernetesTools } from '../setup/deploy-tools.mjs';
import { ensureGatewayBuild } from '../setup/gateway-build.mjs';
import { promtool } from '../setup/promtool.mjs';
import { setUpTools } from '../setup/setup.mjs';
import { whyNoTerraform } from '../setup/terraform.mjs';

const dockerfiles = () =>
  fs.readdirSync(inRoot('deploy'), { recursive: true }).filter((name) => /(^|\/)Dockerfile|\.Dockerfile$/.test(name));

const shellScripts = () =>
  ['deploy', 'scripts', 'worker-python'].flatMap((folder) =>
    fs
      .readdirSync(inRoot(folder), { recursive: folder !== 'worker-python' })
      .filter((name) => name.endsWith('.sh'))
      .map((name) => inRoot(folder, name)),
  );

const checks = [
  {
    name: 'format (prettier)',
    log: 'prettier',
    command: nodeTool('prettier'),
    args: ['--check', '--log-level', 'warn', '.'],
  },
  {
    name: 'lint (oxlint)',
    log: 'oxlint',
    command: nodeTool('oxlint'),
    args: ['--type-aware', 'apps', 'bench', 'test', 'scripts'],
  },
  {
    name: 'types (tsc)',
    log: 'tsc',
    command: nodeTool('tsc'),
    args: ['-p', 'tsconfig.json', '--noEmit', '--incremental', 'false'],
  },
  {
    name: 'layers (dependency-cruiser)',
    log: 'depcruise',
    command: nodeTool('depcruise'),
    args: ['apps/gateway/src', '--config', '.dependency-cruiser.cjs'],
  },
  { name: 'contract (buf lint)', log: 'buf-lint', command: nodeTool('buf'), args: ['lint'], cwd: inRoot('proto') },
  {
    name: 'worker format (ruff)',
    log: 'ruff-format',
    command: pythonTool('ruff'),
    args: ['format', '--check', '--config', 'pyproject.toml', '.', '../bench'],
    cwd: workerFolder,
  },
  {
    name: 'worker lint (ruff)',
    log: 'ruff-check',
    command: pythonTool('ruff'),
    args: ['check', '--config', 'pyproject.toml', '.', '../bench'],
    cwd: workerFolder,
  },
  { name: 'worker types (mypy)', log: 'mypy', command: pythonTool('mypy'), args: [], cwd: workerFolder },
  {
    name: 'worker layers (import-linter)',
    log: 'import-linter',
    command: pythonTool('lint-imports'),
    args: [],
    cwd: workerFolder,
  },
  {
    name: 'Dockerfiles (hadolint)',
    log: 'hadolint',
    command: pythonTool('hadolint'),
    args: () => dockerfiles().map((name) => inRoot('deploy', name)),
    whyNot: () => (fs.existsSync(pythonTool('hadolint')) ? undefined : 'hadolint has no package for this platform'),
  },
  {
    name: 'compose files (dclint)',
    log: 'dclint',
    command: nodeTool('dclint'),
    args: ['docker-compose.yml', '--max-warnings', '0'],
  },
  {
    name: 'compose files (compose-go)',
    log: 'compose',
    command: composeLoader,
    args: ['docker-compose.yml'],
    whyNot: () => (hasComposeLoader() ? undefined : 'Go is not installed'),
  },
  {
    name: 'Kubernetes (kustomize, helm, kubeconform)',
    log: 'kubernetes',
    command: node24,
    args: [inRoot('scripts', 'deploy', 'check-kubernetes.mjs')],
    whyNot: () => (hasKubernetesTools() ? undefined : 'Go is not installed'),
  },
  {
    name: 'ECS task definition',
    log: 'ecs',
    command: node24,
    args: [inRoot('scripts', 'deploy', 'ecs-task-definition.mjs'), '--check'],
  },
  {
    name: 'Terraform (fmt, validate, test)',
    log: 'terraform',
    command: node24,
    args: [inRoot('scripts', 'deploy', 'check-terraform.mjs')],
    whyNot: whyNoTerraform,
  },
  {
    name: 'shell scripts (shellcheck)',
    log: 'shellcheck',
    command: pythonTool('shellcheck'),
    args: () => ['--external-sources', ...shellScripts()],
    whyNot: () => (fs.existsSync(pythonTool('shellcheck')) ? undefined : 'shellcheck has no package for this platform'),
  },
  {
    name: 'metrics in dashboards and rules',
    log: 'metrics',
    command: process.execPath,
    args: [inRoot('scripts', 'docs', 'check-metrics.mjs')],
  },
  {
    name: 'Prometheus rules and their tests (promtool)',
    log: 'promtool',
    command: () => promtool(),
    args: ['test', 'rules', inRoot('deploy', 'observability', 'prometheus', 'illustration.test.yml')],
    whyNot: () => (promtool() === undefined ? 'promtool is not installed (Debian package prometheus)' : undefined),
  },
  {
    name: 'documentation',
    log: 'docs',
    command: process.execPath,
    args: [inRoot('scripts', 'docs', 'check-docs.mjs')],
  },
];

export default async function check() {
  await setUpTools();
  await ensureGatewayBuild();
  await ensureDeployTools();
  const failures = [];
  for (const { name, log, command, args, cwd, whyNot } of checks) {
    const reason = whyNot?.();
    if (reason !== undefined) {
      console.log(`  - ${name}: skipped, ${reason}`);
      continue;
    }
    try {
      const program = typeof command === 'function' ? command() : command;
      await step(name, () => run(`check-${log}`, program, typeof args === 'function' ? args() : args, { cwd }));
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error;
      failures.push(`${name}: ${error.message}`);
    }
  }
  if (failures.length > 0)
    throw new CommandFailed(`${failures.length} of ${checks.length} checks failed:\n\n${failures.join('\n\n')}`);
  return 0;
}
