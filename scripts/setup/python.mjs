// worker-python/.venv: torch first by pip (which build fits depends on the machine), then the locked rest with hashes.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import process from 'node:process';
import { inRoot, pythonTool, root, venv, workerFolder } from '../paths.mjs';
import { CommandFailed, run, step } from '../progress.mjs';
import { makeIfChanged } from './stamp.mjs';

/** What pip needs while it unpacks torch with its CUDA libraries (4.7 GB installed). */
const neededGigabytes = 8;
const torch = /"(torch==[^"]+)"/.exec(fs.readFileSync(inRoot('worker-python', 'pyproject.toml'), 'utf8'))?.[1];
const hint = 'Is the Python package index reachable?';

export function ensurePython() {
  return makeIfChanged({
    stamp: 'worker-python/.venv/.setup-stamp',
    product: 'worker-python/.venv/bin/python',
    inputs: ['worker-python/requirements-dev.lock'],
    version: torch,
    make: async () => {
      const python = findPython();
      checkDisk();
      await step(`Python environment (${python.version}, new)`, async () => {
        fs.rmSync(venv, { recursive: true, force: true });
        await run('venv', python.command, ['-m', 'venv', venv], {
          hint: 'On Debian and Ubuntu the module comes with the package python3-venv.',
        });
      });
      await step(`Python packages: ${torch} (the large one)`, () =>
        run('pip-torch', pythonTool('pip'), ['install', torch], { hint }),
      );
      await step('Python packages: diffusers, transformers, grpcio, ...', async () => {
        const lock = inRoot('worker-python', 'requirements-dev.lock');
        await run('pip-lock', pythonTool('pip'), ['install', '--require-hashes', '--no-deps', '-r', lock], { hint });
        await run('pip-worker', pythonTool('pip'), [
          'install',
          '--no-deps',
          '--no-build-isolation',
          '-e',
          workerFolder,
        ]);
      });
    },
  });
}

function findPython() {
  const candidates = [process.env.PYTHON, 'python3.11', 'python3.12', 'python3', 'python'].filter(Boolean);
  const seen = [];
  for (const command of candidates) {
    const probe = spawnSync(command, ['-c', 'import sys; print("%d.%d.%d" % sys.version_info[:3])'], {
      encoding: 'utf8',
    });
    if (probe.status !== 0) continue;
    const version = probe.stdout.trim();
    if (/^3\.(11|12)\./.test(version)) return { command, version };
    seen.push(`${command} is ${version}`);
  }
  const found = seen.length > 0 ? ` (${seen.join(', ')})` : '';
  throw new CommandFailed(
    `Python 3.11 or 3.12 is needed and was not found${found}. Install it, or name it: PYTHON=/path/to/python3.11.`,
  );
}

function checkDisk() {
  const { bavail, bsize } = fs.statfsSync(root);
  const free = (bavail * bsize) / 1e9;
  if (free < neededGigabytes) {
    throw new CommandFailed(
      `${neededGigabytes} GB of free disk are needed for the Python packages, ${free.toFixed(1)} GB are free here.`,
    );
  }
}
