import { Gauge, type Registry } from 'prom-client';

import { queueSeen } from '../../jobs/job-signals.js';

/**
 * The queue of all gateways, as this one saw it at most two seconds ago. Every gateway tells the same: take `max`, never
 * `sum`. This is what autoscaling follows.
 */
export class QueueMetrics {
  private readonly outstanding: Gauge;
  private readonly oldest: Gauge;
  private readonly capacity: Gauge;
  private readonly runs: Gauge;

  constructor(registry: Registry) {
    const gauge = (name: string, help: string, labelNames: string[] = []): Gauge =>
      new Gauge({ name, help, labelNames, registers: [registry] });
    this.outstanding = gauge(
      'illustration_jobs_outstanding',
      'Jobs accepted and not ended, of all gateways: use max over the gateways.',
      ['state'],
    );
    this.oldest = gauge(
      'illustration_oldest_queued_job_age_seconds',
      'Age of the job that waits longest, of all gateways; 0: none waits.',
    );
    this.capacity = gauge(
      'illustration_jobs_capacity',
      'Jobs that the live gateways can have with their workers at once, of all gateways.',
    );
    this.runs = gauge('illustration_gateway_runs', 'Jobs that this gateway has leased.');
  }

  /** @returns how to stop */
  watch(): (() => void)[] {
    return [
      queueSeen.watch(({ outlook, runs }) => {
        this.outstanding.set({ state: 'queued' }, outlook.queued);
        this.outstanding.set({ state: 'running' }, outlook.running);
        this.oldest.set(outlook.oldestQueuedSeconds);
        this.capacity.set(outlook.capacity);
        this.runs.set(runs);
      }),
    ];
  }
}
