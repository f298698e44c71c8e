// What the rules for pods find: each fault is put into a pod that is right, and is named.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { inRoot } from '../paths.mjs';
import { violations } from '../deploy/pod-rules.mjs';

const text = fs.readFileSync(inRoot('deploy', 'kubernetes', 'base', 'deployment.yaml'), 'utf8');
const named = (container) => new Set(container.env.map(({ name }) => name));
const right = () => parse(text);
const settings = (() => {
  const { containers, initContainers } = right().spec.template.spec;
  return { gateway: named(containers[0]), worker: named(initContainers[0]) };
})();

test('the base is right', () => {
  assert.deepEqual(violations(right(), settings), []);
});

const faults = {
  'no native sidecar': (pod) => delete pod.initContainers[0].restartPolicy,
  'must ask for --live': (pod) => pod.initContainers[0].startupProbe.exec.command.pop(),
  'the worker has no GPU': (pod) => delete pod.initContainers[0].resources.limits['nvidia.com/gpu'],
  'livenessProbe does not ask for /health/live': (pod) => (pod.containers[0].livenessProbe.httpGet.path = '/health'),
  'readinessProbe does not ask for /health/ready': (pod) => delete pod.containers[0].readinessProbe,
  'are less than the 155 s': (pod) => (pod.terminationGracePeriodSeconds = 120),
  'NaN s': (pod) => delete pod.containers[0].lifecycle,
  'may run as root': (pod) => (pod.securityContext.runAsNonRoot = false),
  'token of the API server': (pod) => delete pod.automountServiceAccountToken,
  'gateway: its root file system can be written': (pod) =>
    delete pod.containers[0].securityContext.readOnlyRootFilesystem,
  'worker: runs as another user': (pod) => (pod.initContainers[0].securityContext.runAsUser = 0),
  'worker: keeps capabilities': (pod) => delete pod.initContainers[0].securityContext.capabilities,
  'no volume is called models': (pod) => (pod.volumes = pod.volumes.filter(({ name }) => name !== 'models')),
  'nobody mounts the volume data': (pod) => pod.containers[0].volumeMounts.splice(1, 1),
  'gateway: has no setting WORKER_ADRESS': (pod) => pod.containers[0].env.push({ name: 'WORKER_ADRESS', value: 'x' }),
  'worker: looks for the socket elsewhere': (pod) => (pod.initContainers[0].env[0].value = 'unix:/tmp/worker.sock'),
  'nobody opens metrics on 9464': (pod) => pod.containers[0].ports.pop(),
};
for (const [found, put] of Object.entries(faults)) {
  test(`found: ${found}`, () => {
    const deployment = right();
    put(deployment.spec.template.spec);
    const what = violations(deployment, settings);
    assert.ok(
      what.some((one) => one.includes(found)),
      `found instead: ${what.join('; ') || 'nothing'}`,
    );
  });
}
