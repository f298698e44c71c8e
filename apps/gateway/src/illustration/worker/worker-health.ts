import { Logger } from '@nestjs/common';
import type { Channel, ClientReadableStream } from '@grpc/grpc-js';

import { DomainError } from '../../errors/domain-error.js';
import type { IllustratorAvailability } from '../domain/illustrator.js';
import { ServingStatus, watchHealth } from './grpc-health.js';

/** The service whose readiness counts; the worker serves under this name only after its warm-up. */
const service = 'autobio.worker.v1.WorkerService';
const firstRetryMs = 100;
const lastRetryMs = 1_000;

type State = 'starting' | 'serving' | 'draining' | 'lost';

/**
 * Knows whether the worker can draw, by one open `Watch` stream: a worker that dies takes the stream with it, so the
 * answer flips at once, and a new stream is tried until there is one. `start` once, `stop` at the end.
 */
export class WorkerHealth {
  private readonly logger = new Logger(WorkerHealth.name);
  private state: State = 'starting';
  private watch: ClientReadableStream<number> | undefined;
  private retry: NodeJS.Timeout | undefined;
  private retryMs = firstRetryMs;
  private hasAnswered = false;
  private isStopped = false;

  /** @param onChange called after each change of what `availability` says */
  constructor(
    private readonly channel: Channel,
    private readonly onChange: () => void = () => undefined,
  ) {}

  start(): void {
    if (this.isStopped || this.watch !== undefined) return;
    const watch = watchHealth(this.channel, service);
    this.watch = watch;
    watch.on('data', (status: number) => this.told(status));
    watch.on('error', (error) => this.ended(watch, error));
    watch.on('end', () => this.ended(watch));
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.retry);
    this.watch?.cancel();
  }

  availability(): IllustratorAvailability {
    if (this.state === 'serving') return { isReady: true };
    if (this.state === 'draining') return notReady('draining', 'The worker is shutting down.');
    if (this.state === 'lost') return notReady('worker-unavailable', 'The worker that draws does not answer.');
    return this.hasAnswered
      ? notReady('starting', 'The worker is still loading its model.')
      : notReady('starting', 'The worker that draws has not answered yet; it may still be starting.');
  }

  private told(status: number): void {
    this.retryMs = firstRetryMs;
    this.hasAnswered = true;
    if (status === ServingStatus.serving) this.become('serving');
    // A worker that served and stops serving, on one connection, is on its way down; else it is on its way up.
    else if (this.state === 'serving') this.become('draining');
    else if (this.state === 'lost') this.become('starting');
  }

  private ended(watch: ClientReadableStream<number>, error?: Error): void {
    // The stream tells its end twice when it fails: 'error', then 'end'.
    if (this.watch !== watch) return;
    this.watch = undefined;
    if (this.isStopped) return;
    // Before its first answer the worker is taken to be starting, not lost: both often start together.
    if (this.hasAnswered) this.become('lost', error);
    this.retry = setTimeout(() => this.start(), this.retryMs);
    this.retryMs = Math.min(this.retryMs * 2, lastRetryMs);
  }

  private become(state: State, error?: Error): void {
    if (this.state === state) return;
    this.logger.log(
      { worker_state: state, worker_state_before: this.state, ...(error !== undefined && { err: error }) },
      'worker state changed',
    );
    this.state = state;
    this.onChange();
  }
}

function notReady(reason: 'starting' | 'draining' | 'worker-unavailable', detail: string): IllustratorAvailability {
  return { isReady: false, error: new DomainError(reason, detail) };
}
