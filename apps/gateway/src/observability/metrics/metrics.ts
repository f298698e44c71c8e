import { Gauge, Registry, collectDefaultMetrics } from 'prom-client';

import { serviceInfo } from '../service-info.js';
import { CacheMetrics } from './cache-metrics.js';
import { JobMetrics } from './job-metrics.js';
import { PictureMetrics } from './picture-metrics.js';
import { QueueMetrics } from './queue-metrics.js';
import { RequestMetrics } from './request-metrics.js';
import { StorageMetrics } from './storage-metrics.js';

/** What is asked when somebody looks. */
export interface StateSource {
  isDraining(): boolean;
  isWorkerReady(): boolean;
}

/** Every metric of the gateway, and the watches that fill them. docs/08-observability.md is made from what is here. */
export class Metrics {
  readonly registry = new Registry();
  private readonly groups = [
    RequestMetrics,
    JobMetrics,
    PictureMetrics,
    CacheMetrics,
    QueueMetrics,
    StorageMetrics,
  ].map((Group) => new Group(this.registry));
  private stops: (() => void)[] = [];

  constructor(state: StateSource) {
    const registers = [this.registry];
    const gauge = (name: string, help: string, read: () => boolean): Gauge =>
      new Gauge({
        name,
        help,
        registers,
        collect(this: Gauge) {
          this.set(read() ? 1 : 0);
        },
      });
    gauge('illustration_worker_ready', '1: the worker of this gateway can draw now.', () => state.isWorkerReady());
    gauge('illustration_draining', '1: this gateway is shutting down.', () => state.isDraining());
    new Gauge({
      name: 'illustration_build_info',
      help: 'Always 1; the version that runs.',
      labelNames: ['version'],
      registers,
    }).set({ version: serviceInfo.version }, 1);
  }

  /** Begins to count. Also the standard metrics of a Node process: memory, event loop, garbage collection. */
  watch(): void {
    collectDefaultMetrics({ register: this.registry });
    this.stops = this.groups.flatMap((group) => group.watch());
  }

  stop(): void {
    this.stops.forEach((stop) => stop());
    this.registry.clear();
  }
}
