// The ECS task definition, made from deploy/service.json. `--check` fails when the file is another than this makes;
// without it the file is written. Terraform (deploy/terraform/service.tf) starts from the same file.
import fs from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { inRoot } from '../paths.mjs';
import { facts } from './service-facts.mjs';

const file = inRoot('deploy', 'ecs', 'task-definition.json');
const { ecs, images, ports, worker_ports: workerPorts, probes, seconds, socket, users } = facts;
const registry = 'ACCOUNT.dkr.ecr.REGION.amazonaws.com';
const [socketVolume, modelVolume, dataVolume] = ['worker-socket', 'models', 'data'];

/** What `aws ecs register-task-definition --cli-input-json` takes, once ACCOUNT and REGION are filled in. */
export function taskDefinition() {
  return {
    family: 'illustration-service',
    networkMode: 'awsvpc',
    requiresCompatibilities: ['EC2'],
    cpu: String(ecs.cpu),
    memory: String(ecs.memory),
    executionRoleArn: 'arn:aws:iam::ACCOUNT:role/illustration-execution',
    taskRoleArn: 'arn:aws:iam::ACCOUNT:role/illustration-task',
    containerDefinitions: [gateway(), worker()],
    volumes: [
      { name: socketVolume },
      { name: dataVolume },
      // Outlives the task; the machine's start script makes it for the worker's user.
      { name: modelVolume, host: { sourcePath: '/var/lib/illustration/models' } },
    ],
  };
}

function gateway() {
  return {
    ...container('gateway'),
    memory: ecs.gateway_memory,
    portMappings: portMappings(ports),
    environment: environment({
      WORKER_ADDRESS: `unix:${socket}`,
      METRICS_HOST: '0.0.0.0',
      METRICS_PORT: String(ports.metrics),
      AUTH_ENABLED: 'true',
      S3_BUCKET_NAME: 'auto-bio-illustrations',
      AWS_REGION: 'REGION',
      SHUTDOWN_GRACE_SECONDS: String(seconds.gateway_shutdown_grace),
    }),
    secrets: ['AUTH_TOKEN', 'DATABASE_URL'].map((name) => ({
      name,
      valueFrom: `arn:aws:secretsmanager:REGION:ACCOUNT:secret:illustration/${name}`,
    })),
    // Started after the worker and so stopped before it: jobs in flight can be finished.
    dependsOn: [{ containerName: 'worker', condition: 'HEALTHY' }],
    mountPoints: [mount(socketVolume, '/run/worker'), mount(dataVolume, '/data')],
    healthCheck: healthCheck(
      [
        'CMD',
        'node',
        '-e',
        `fetch('http://127.0.0.1:${ports.http}${probes.live}').then((r)=>process.exit(r.ok?0:1),()=>process.exit(1))`,
      ],
      { startPeriod: 60 },
    ),
    stopTimeout: seconds.gateway_shutdown_grace + seconds.spare,
  };
}

function worker() {
  return {
    ...container('worker'),
    memoryReservation: ecs.memory - 2 * ecs.gateway_memory,
    portMappings: portMappings(workerPorts),
    environment: environment({
      WORKER_ADDRESS: `unix:${socket}`,
      MODEL_PATH: 'stabilityai/stable-diffusion-xl-base-1.0',
      IP_ADAPTER: 'h94/IP-Adapter',
      IP_ADAPTER_WEIGHTS: 'ip-adapter_sdxl_vit-h.safetensors',
      WORKER_METRICS_PORT: String(workerPorts['worker-metrics']),
      AWS_REGION: 'REGION',
      SHUTDOWN_GRACE_SECONDS: String(seconds.worker_shutdown_grace),
    }),
    resourceRequirements: [{ type: 'GPU', value: String(ecs.gpus) }],
    mountPoints: [mount(socketVolume, '/run/worker'), mount(modelVolume, '/models')],
    // It answers long before its model is loaded; whether it would draw is what the gateway's readiness says.
    healthCheck: healthCheck(['CMD', 'python', '-m', 'illustration_worker.rpc.healthcheck', '--live'], {
      startPeriod: 120,
    }),
    stopTimeout: seconds.worker_shutdown_grace + seconds.spare,
  };
}

function container(name) {
  return {
    name,
    image: `${registry}/${images[name]}:latest`,
    essential: true,
    user: users[name],
    readonlyRootFilesystem: true,
    // One that dies is started again where it is, with the models still on the disk; jobs go on from their checkpoints.
    restartPolicy: { enabled: true, restartAttemptPeriod: 60 },
    linuxParameters: {
      capabilities: { drop: ['ALL'] },
      tmpfs: [{ containerPath: '/tmp', size: 2048, mountOptions: ['mode=1777'] }],
    },
    logConfiguration: {
      logDriver: 'awslogs',
      options: { 'awslogs-group': '/ecs/illustration', 'awslogs-region': 'REGION', 'awslogs-stream-prefix': name },
    },
  };
}

const environment = (values) => Object.entries(values).map(([name, value]) => ({ name, value }));
const portMappings = (named) =>
  Object.entries(named).map(([name, containerPort]) => ({ name, containerPort, protocol: 'tcp' }));
const mount = (sourceVolume, containerPath) => ({ sourceVolume, containerPath, readOnly: false });
const healthCheck = (command, { startPeriod }) => ({ command, interval: 30, timeout: 10, retries: 3, startPeriod });

/** @returns the exit code */
function main(isCheck) {
  const wanted = `${JSON.stringify(taskDefinition(), null, 2)}\n`;
  if (!isCheck) {
    fs.writeFileSync(file, wanted);
    return 0;
  }
  if (JSON.stringify(JSON.parse(fs.readFileSync(file, 'utf8'))) === JSON.stringify(JSON.parse(wanted))) return 0;
  console.error('deploy/ecs/task-definition.json is out of date: run node scripts/deploy/ecs-task-definition.mjs');
  return 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main(process.argv[2] === '--check');
