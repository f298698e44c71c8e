// Are the Kubernetes files right? Rendered by kustomize and Helm, validated with kubeconform, compared with each other and
// with what deploy/service.json says.
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { customResourceSchemas, kubeconform, kubernetesSchemas } from '../setup/deploy-tools.mjs';
import { knownSettings } from './known-settings.mjs';
import { lintChart, objectsIn, pairs, renderChart, renderOverlay } from './kubernetes-files.mjs';
import { violations } from './pod-rules.mjs';
import { differences } from './same-objects.mjs';

const problems = [];
const settings = knownSettings();
for (const [overlay, valuesFiles] of Object.entries(pairs)) {
  const rendered = { [`overlay ${overlay}`]: renderOverlay(overlay), [`chart ${overlay}`]: renderChart(valuesFiles) };
  for (const [name, text] of Object.entries(rendered)) {
    note(name, [...invalid(text), ...ofDeployments(text)]);
  }
  note(`chart and overlay ${overlay}`, differences(...Object.values(rendered).map(objectsIn)));
  lintChart(valuesFiles);
}
const everyKnob = renderChart(
  [],
  [
    'images.pullSecrets[0]=registry',
    'gpu.runtimeClassName=nvidia',
    'serviceAccount.annotations.role=arn',
    'storage.data.storageClassName=gp3',
    'settings.worker.CHECKPOINT_EVERY=5',
    'resources.gateway.limits.cpu=2',
    'serviceMonitor.enabled=true',
    'networkPolicy.monitoringNamespace=observability',
    'networkPolicy.storePorts[0]=6432',
  ],
);
note('chart with every knob turned', [...invalid(everyKnob), ...ofDeployments(everyKnob)]);
note('chart without a cache', cacheLeft(renderChart(pairs.multi, ['settings.gateway.CACHE_URL=null'])));
note('the schema of the values', accepted());
for (const problem of problems) console.error(problem);
if (problems.length === 0)
  console.log(`${Object.keys(pairs).length} overlays and the chart for each are valid and say the same`);
process.exitCode = problems.length > 0 ? 1 : 0;

function note(where, what) {
  problems.push(...what.map((one) => `${where}: ${one}`));
}

function invalid(text) {
  const schemas = [
    `${kubernetesSchemas}/{{ .ResourceKind }}{{ .KindSuffix }}.json`,
    `${customResourceSchemas}/{{ .ResourceKind }}{{ .KindSuffix }}.json`,
  ];
  const locations = schemas.flatMap((one) => ['-schema-location', one]);
  const { status, stdout, stderr } = spawnSync(kubeconform, ['-strict', '-summary', ...locations, '-'], {
    input: text,
    encoding: 'utf8',
  });
  return status === 0 ? [] : [`${stdout}${stderr}`.trim()];
}

function ofDeployments(text) {
  const deployments = objectsIn(text).filter(({ kind }) => kind === 'Deployment');
  return deployments.length === 1 ? violations(deployments[0], settings) : ['there should be one Deployment'];
}

/** A setting of a values file that `null` should have taken away. */
function cacheLeft(text) {
  return text.includes('CACHE_URL') ? ['CACHE_URL is still there'] : [];
}

/** Values that must be refused and are not. */
function accepted() {
  const wrong = [
    'replicas=2',
    'autoscaling.enabled=true',
    'updateStrategy=RollingUpdate',
    'settings.gateway.lower_case=1',
    'drain.preStopSeconds=-1',
    'networkPolicy.storePorts[0]=redis',
    'settings.gateway.DATABASE_URL=postgres://host/illustration',
    'settings.gateway.CACHE_URL=redis://:password@host:6379',
    'nosuchvalue=1',
  ];
  return wrong.filter((one) => isAccepted(one)).map((one) => `takes --set ${one}`);
}

function isAccepted(setting) {
  try {
    renderChart([], [setting]);
    return true;
  } catch (error) {
    // Only the schema's refusal counts; a template that breaks would be another fault.
    return !String(error.stderr).includes('schema');
  }
}
