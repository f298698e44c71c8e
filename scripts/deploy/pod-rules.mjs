// What must hold for every Deployment that we ship, whoever rendered it. Each rule returns what is wrong, in words.
import { facts } from './service-facts.mjs';

const { ports, worker_ports: workerPorts, probes, seconds, socket, users } = facts;
const env = (container) => new Map((container.env ?? []).map(({ name, value }) => [name, value]));

/** @returns {string[]} */
export function violations(deployment, settings) {
  const { spec } = deployment.spec.template;
  const [gateway, worker] = [spec.containers?.[0], spec.initContainers?.[0]];
  if (gateway?.name !== 'gateway' || worker?.name !== 'worker') return ['there is no gateway with a worker beside it'];
  return [
    ...sidecar(worker),
    ...probePaths(gateway),
    ...graceTimes(spec, gateway, worker),
    ...confinement(spec, [gateway, worker]),
    ...volumes(spec, [gateway, worker]),
    ...environment(gateway, worker, settings),
  ];
}

function sidecar(worker) {
  const gpus = Object.entries(worker.resources?.limits ?? {}).filter(([name]) => name.endsWith('/gpu'));
  return [
    worker.restartPolicy === 'Always' || 'the worker is no native sidecar (restartPolicy: Always)',
    worker.startupProbe?.exec?.command.at(-1) === '--live' ||
      'the gateway would wait for the model: the startup probe of the worker must ask for --live',
    gpus.length === 1 || 'the worker has no GPU',
  ].filter(isText);
}

function probePaths(gateway) {
  const wanted = { startupProbe: probes.startup, livenessProbe: probes.live, readinessProbe: probes.ready };
  return Object.entries(wanted)
    .filter(([probe, path]) => gateway[probe]?.httpGet?.path !== path)
    .map(([probe, path]) => `the gateway's ${probe} does not ask for ${path}`);
}

function graceTimes(spec, gateway, worker) {
  const steps = [
    gateway.lifecycle?.preStop?.sleep?.seconds,
    Number(env(gateway).get('SHUTDOWN_GRACE_SECONDS')),
    Number(env(worker).get('SHUTDOWN_GRACE_SECONDS')),
  ];
  const needed = steps.reduce((sum, one) => sum + one, 0);
  const given = spec.terminationGracePeriodSeconds;
  return needed + 5 <= given
    ? []
    : [`${given} s of grace are less than the ${needed} s that the containers take, and 5`];
}

function confinement(spec, containers) {
  const pod = spec.securityContext ?? {};
  return [
    pod.runAsNonRoot === true || 'the pod may run as root',
    pod.seccompProfile?.type === 'RuntimeDefault' || 'the pod has no seccomp profile',
    spec.automountServiceAccountToken === false || 'the pod holds a token of the API server',
    ...containers.flatMap(({ name, securityContext: own = {} }) => [
      `${own.runAsUser}:${pod.runAsGroup}` === users[name] || `${name}: runs as another user than in its image`,
      own.readOnlyRootFilesystem === true || `${name}: its root file system can be written`,
      own.allowPrivilegeEscalation === false || `${name}: privileges can grow`,
      own.capabilities?.drop?.includes('ALL') || `${name}: keeps capabilities`,
    ]),
  ].filter(isText);
}

/** What the API server checks, and a schema cannot. */
function volumes(spec, containers) {
  const names = new Set(spec.volumes.map(({ name }) => name));
  const used = containers.flatMap(({ volumeMounts }) => volumeMounts.map(({ name }) => name));
  return [
    ...used.filter((name) => !names.has(name)).map((name) => `no volume is called ${name}`),
    ...[...names].filter((name) => !used.includes(name)).map((name) => `nobody mounts the volume ${name}`),
  ];
}

function environment(gateway, worker, settings) {
  const unknown = (container, names) =>
    [...env(container).keys()]
      .filter((name) => !names.has(name) && !name.startsWith('OTEL_'))
      .map((name) => `${container.name}: has no setting ${name}`);
  const addresses = [gateway, worker].filter((one) => env(one).get('WORKER_ADDRESS') !== `unix:${socket}`);
  const open = new Set([gateway, worker].flatMap((one) => one.ports).map((one) => `${one.name}:${one.containerPort}`));
  return [
    ...unknown(gateway, settings.gateway),
    ...unknown(worker, settings.worker),
    ...addresses.map(({ name }) => `${name}: looks for the socket elsewhere than ${socket}`),
    ...Object.entries({ ...ports, ...workerPorts })
      .filter(([name, port]) => !open.has(`${name}:${port}`))
      .map(([name, port]) => `nobody opens ${name} on ${port}`),
    ...(Number(env(gateway).get('SHUTDOWN_GRACE_SECONDS')) <= seconds.gateway_shutdown_grace
      ? []
      : ['the gateway takes longer to stop than the load balancer expects']),
  ];
}

const isText = (outcome) => typeof outcome === 'string';
