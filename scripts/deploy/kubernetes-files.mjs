// Renders what we ship for Kubernetes: each overlay of kustomize, and the Helm chart with the values that say the same.
import { execFileSync } from 'node:child_process';
import { parseAllDocuments } from 'yaml';
import { inRoot } from '../paths.mjs';
import { helm, kustomize } from '../setup/deploy-tools.mjs';
import { kubernetesVersion } from '../setup/kubernetes-schemas.mjs';

const chart = inRoot('deploy', 'helm', 'illustration');
// Helm built from source takes itself for one of an old Kubernetes.
const cluster = ['--kube-version', kubernetesVersion];

/** Overlay -> the values files that make the chart the same. */
export const pairs = {
  'single-gpu': [],
  multi: ['values-multi.yaml'],
  spot: ['values-multi.yaml', 'values-spot.yaml'],
};

export function renderOverlay(name) {
  return output(kustomize, ['build', inRoot('deploy', 'kubernetes', 'overlays', name)]);
}

/** @param {string[]} [settings] `name=value`, as for `--set` */
export function renderChart(valuesFiles, settings = []) {
  const values = valuesFiles.flatMap((name) => ['--values', `${chart}/${name}`]);
  return output(helm, [
    'template',
    'illustration',
    chart,
    ...cluster,
    ...values,
    ...settings.flatMap((one) => ['--set', one]),
  ]);
}

export function lintChart(valuesFiles) {
  return output(helm, [
    'lint',
    '--strict',
    ...cluster,
    chart,
    ...valuesFiles.flatMap((name) => ['--values', `${chart}/${name}`]),
  ]);
}

/** @returns {object[]} */
export const objectsIn = (text) =>
  parseAllDocuments(text)
    .map((document) => document.toJS())
    .filter(Boolean);

function output(command, args) {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
