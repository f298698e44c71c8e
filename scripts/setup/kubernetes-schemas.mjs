// The JSON schemas of Kubernetes' API, strict: unpacked from a wheel, one version of the many that it holds.
import fs from 'node:fs';
import path from 'node:path';
import { inRoot, pythonTool } from '../paths.mjs';
import { run, step } from '../progress.mjs';

/** The oldest version that is still supported and has native sidecars out of beta. */
export const kubernetesVersion = 'v1.34.0';
export const kubernetesSchemas = inRoot('.cache', 'tools', `kubernetes-schemas-${kubernetesVersion}`);

export async function ensureKubernetesSchemas() {
  if (fs.existsSync(kubernetesSchemas)) return;
  await step(`schemas of Kubernetes ${kubernetesVersion}`, async () => {
    fs.mkdirSync(path.dirname(kubernetesSchemas), { recursive: true });
    const folder = fs.mkdtempSync(`${kubernetesSchemas}-`);
    try {
      const requirements = inRoot('scripts', 'setup', 'kubernetes-schemas.txt');
      const download = ['download', '--no-deps', '--require-hashes', '--dest', folder, '-r', requirements];
      await run('kubernetes-schemas', pythonTool('pip'), download, {
        hint: 'Is the Python package index reachable?',
      });
      const wheel = path.join(folder, fs.readdirSync(folder)[0]);
      await run('kubernetes-schemas-unpack', pythonTool('python'), ['-m', 'zipfile', '-e', wheel, folder]);
      const schemas = path.join(
        folder,
        'kubernetes_validate',
        'kubernetes-json-schema',
        `${kubernetesVersion}-local-strict`,
      );
      pointAtNeighbours(schemas);
      fs.renameSync(schemas, kubernetesSchemas);
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
    }
  });
}

/** The schemas point at an address of kubernetes.io's; here what they point at is the file beside them. */
function pointAtNeighbours(folder) {
  for (const name of fs.readdirSync(folder)) {
    const file = path.join(folder, name);
    const text = fs.readFileSync(file, 'utf8').replaceAll('"/api/_definitions.json', '"_definitions.json');
    const { $id: _, ...schema } = JSON.parse(text);
    fs.writeFileSync(file, JSON.stringify(schema));
  }
}
