import { Counter, Histogram, type Registry } from 'prom-client';

import { errorAnswered, grpcServed, httpServed } from '../request-signals.js';
import { callSeconds } from './buckets.js';

/** What callers see: how long they were kept, and how often they were refused. */
export class RequestMetrics {
  private readonly http: Histogram;
  private readonly grpc: Histogram;
  private readonly errors: Counter;

  constructor(registry: Registry) {
    const registers = [registry];
    this.http = new Histogram({
      name: 'illustration_http_request_duration_seconds',
      help: 'HTTP requests, from their header to the end of their reply. `status` is `aborted` when the caller left first.',
      labelNames: ['method', 'route', 'status'],
      buckets: callSeconds,
      registers,
    });
    this.grpc = new Histogram({
      name: 'illustration_grpc_request_duration_seconds',
      help: 'gRPC calls to the gateway, from their header to their status.',
      labelNames: ['method', 'code'],
      buckets: callSeconds,
      registers,
    });
    this.errors = new Counter({
      name: 'illustration_errors_total',
      help: 'Requests and calls answered with an error, by its reason (docs/03-errors.md).',
      labelNames: ['reason'],
      registers,
    });
  }

  /** @returns how to stop */
  watch(): (() => void)[] {
    return [
      httpServed.watch(({ method, route, status, isAborted, seconds }) =>
        this.http.labels(methodOf(method), route ?? 'none', isAborted ? 'aborted' : String(status)).observe(seconds),
      ),
      grpcServed.watch(({ path, code, seconds }) => this.grpc.labels(grpcMethodOf(path), code).observe(seconds)),
      errorAnswered.watch(({ reason }) => this.errors.inc({ reason })),
    ];
  }
}

const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Callers can send any word for a method, and none of them may become a time series. */
function methodOf(method: string): string {
  return methods.has(method) ? method : 'other';
}

/** As `methodOf`: the services that there are, and one word for all else. */
function grpcMethodOf(path: string): string {
  return /^\/(autobio\.illustration\.v1\.IllustrationService\/(Illustrate|GetJob|ListJobs|CancelJob|DescribeModels|EraseUserData)|grpc\.health\.v1\.Health\/(Check|Watch))$/.test(
    path,
  )
    ? path.slice(1)
    : 'other';
}
