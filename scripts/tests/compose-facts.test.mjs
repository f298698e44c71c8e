// The compose file says what deploy/service.json says, and opens nothing beyond this machine.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { inRoot } from '../paths.mjs';
import { facts } from '../deploy/service-facts.mjs';

const { services } = parse(fs.readFileSync(inRoot('docker-compose.yml'), 'utf8'));
const workers = ['worker', 'worker-cpu'];
const ours = ['gateway', ...workers];

test('the profiles are cpu, gpu and observability, and a worker belongs to one of the first two', () => {
  const profiles = Object.values(services).flatMap((service) => service.profiles ?? []);
  assert.deepEqual(new Set(profiles), new Set(['cpu', 'gpu', 'observability']));
  assert.deepEqual(
    workers.flatMap((name) => services[name].profiles),
    ['gpu', 'cpu'],
  );
});

for (const profile of ['cpu', 'gpu', 'observability']) {
  test(`with the profile ${profile} alone, nobody waits for what is not started`, () => {
    const started = Object.entries(services).filter(([, one]) => one.profiles?.includes(profile) ?? true);
    const names = new Set(started.map(([name]) => name));
    const awaited = started.flatMap(([, one]) => Object.keys(one.depends_on ?? {}));
    assert.ok(awaited.length > 0);
    assert.deepEqual(
      awaited.filter((name) => !names.has(name)),
      [],
    );
  });
}

test('the GPU is reserved for the worker that draws on it', () => {
  const [device] = services.worker.deploy.resources.reservations.devices;
  assert.deepEqual(device.capabilities, ['gpu']);
  assert.equal(services['worker-cpu'].deploy, undefined);
});

test('socket, ports and times are those of every deployment', () => {
  const { gateway } = services;
  assert.equal(gateway.environment.WORKER_ADDRESS, `unix:${facts.socket}`);
  assert.equal(gateway.environment.METRICS_PORT, String(facts.ports.metrics));
  for (const name of workers) {
    assert.equal(services[name].environment.WORKER_METRICS_PORT, String(facts.worker_ports['worker-metrics']));
    assert.ok(parseInt(services[name].stop_grace_period) > facts.seconds.worker_shutdown_grace);
  }
  assert.ok(parseInt(gateway.stop_grace_period) > facts.seconds.gateway_shutdown_grace);
});

for (const name of ours) {
  test(`${name} may do no more than it needs`, () => {
    const service = services[name];
    assert.equal(service.read_only, true);
    assert.deepEqual(service.cap_drop, ['ALL']);
    assert.deepEqual(service.security_opt, ['no-new-privileges:true']);
  });
}

test('what is published is published to this machine only', () => {
  const published = Object.values(services).flatMap((service) => service.ports ?? []);
  assert.ok(published.length > 0);
  for (const port of published) assert.match(port, /^127\.0\.0\.1:/);
});
