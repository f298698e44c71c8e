// What a caller sends is no label; what we serve is one, by its name.
import { Registry } from 'prom-client';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { IllustrationServiceService } from '../../apps/gateway/src/generated/autobio/illustration/v1/illustration.js';
import { RequestMetrics } from '../../apps/gateway/src/observability/metrics/request-metrics.js';
import { grpcServed, httpServed } from '../../apps/gateway/src/observability/request-signals.js';

let registry: Registry;
let stops: (() => void)[];

beforeEach(() => {
  registry = new Registry();
  stops = new RequestMetrics(registry).watch();
});
afterEach(() => stops.forEach((stop) => stop()));

const served = [
  ...Object.values(IllustrationServiceService).map(({ path }) => path),
  '/grpc.health.v1.Health/Check',
  '/grpc.health.v1.Health/Watch',
];

async function methodsOf(metric: string): Promise<unknown[]> {
  const { values = [] } = (await registry.getSingleMetric(metric)?.get()) ?? {};
  return [...new Set(values.map(({ labels }) => labels['method']))];
}

it.each(served)('calls of %s are a series of their own', async (path) => {
  grpcServed.send({ path, code: 'OK', seconds: 1 });
  expect(await methodsOf('illustration_grpc_request_duration_seconds')).toEqual([path.slice(1)]);
});

it('calls to nothing are one series', async () => {
  for (const path of ['/no.Such/Method', `${served[0]}/more`, '']) {
    grpcServed.send({ path, code: 'UNIMPLEMENTED', seconds: 1 });
  }
  expect(await methodsOf('illustration_grpc_request_duration_seconds')).toEqual(['other']);
});

it('invented HTTP methods are one series', async () => {
  for (const method of ['GET', 'BREW', 'PROPFIND']) {
    httpServed.send({ method, route: undefined, status: 404, isAborted: false, seconds: 1 });
  }
  expect(await methodsOf('illustration_http_request_duration_seconds')).toEqual(['GET', 'other']);
});
