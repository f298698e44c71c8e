import { Histogram, type Registry } from 'prom-client';

import { storageCalled } from '../../storage/storage-signals.js';
import { callSeconds } from './buckets.js';

/** How the S3 server answers. The folder of the embedded default has no figures. */
export class StorageMetrics {
  private readonly calls: Histogram;

  constructor(registry: Registry) {
    this.calls = new Histogram({
      name: 'illustration_storage_request_duration_seconds',
      help: 'Requests to the S3 server, retries included, to the header of the answer. `outcome`: `ok`, an HTTP status, or `unreachable`.',
      labelNames: ['operation', 'outcome'],
      buckets: callSeconds,
      registers: [registry],
    });
  }

  /** @returns how to stop */
  watch(): (() => void)[] {
    return [
      storageCalled.watch(({ operation, outcome, seconds }) => this.calls.labels(operation, outcome).observe(seconds)),
    ];
  }
}
