import { Counter, Histogram, type Registry } from 'prom-client';

import { finalStates, isFinal, type Job, type JobState } from '../../jobs/domain/job.js';
import type { JobTransition } from '../../jobs/domain/transition.js';
import { jobAccepted, jobMoved, jobReplayed, runFenced } from '../../jobs/job-signals.js';
import { jobSeconds } from './buckets.js';

const kinds = ['memory', 'subject'];

/** Jobs on their way, as this gateway has moved them: summed over all gateways each move counts once. */
export class JobMetrics {
  private readonly accepted: Counter;
  private readonly replayed: Counter;
  private readonly ended: Counter;
  private readonly requeued: Counter;
  private readonly fenced: Counter;
  private readonly queueWait: Histogram;
  private readonly service: Histogram;
  private readonly total: Histogram;
  private readonly attempts: Histogram;

  constructor(registry: Registry) {
    const counter = counterIn(registry);
    const histogram = histogramIn(registry);
    this.accepted = counter('illustration_jobs_accepted_total', 'Jobs accepted.', ['kind']);
    this.replayed = counter(
      'illustration_jobs_replayed_total',
      'Calls whose idempotency key had its job already: nothing was accepted, the caller got that job.',
      ['kind'],
    );
    this.ended = counter(
      'illustration_jobs_ended_total',
      'Jobs that reached their final state; `reason` is `none` for those that succeeded.',
      ['kind', 'state', 'reason'],
    );
    this.requeued = counter(
      'illustration_job_requeues_total',
      'Attempts that ended without the end of their job: it is drawn again, perhaps by another worker.',
      ['reason'],
    );
    this.fenced = counter(
      'illustration_runs_fenced_total',
      'Runs that had lost their lease when they ended: their work was in vain.',
      ['kind'],
    );
    this.queueWait = histogram('illustration_job_queue_wait_seconds', 'From acceptance to the first attempt.', [
      'kind',
    ]);
    this.service = histogram(
      'illustration_job_service_seconds',
      'The successful attempt, from its start to the end of the job.',
      ['kind'],
    );
    this.total = histogram('illustration_job_duration_seconds', 'From acceptance to the final state.', [
      'kind',
      'state',
    ]);
    this.attempts = new Histogram({
      name: 'illustration_job_attempts',
      help: 'Attempts begun at a job by the time it ended; 0: none.',
      labelNames: ['state'],
      buckets: [0, 1, 2, 3, 5, 10, 20],
      registers: [registry],
    });
    this.showZeros();
  }

  /** @returns how to stop */
  watch(): (() => void)[] {
    return [
      jobAccepted.watch(({ kind }) => this.accepted.inc({ kind })),
      jobReplayed.watch(({ kind }) => this.replayed.inc({ kind })),
      runFenced.watch(({ kind }) => this.fenced.inc({ kind })),
      jobMoved.watch(({ job, transition }) => this.onMoved(job, transition)),
    ];
  }

  private onMoved(job: Job, transition: JobTransition): void {
    if (transition.type === 'started' && job.attempt === 1) this.queueWait.labels(job.kind).observe(waited(job));
    if (transition.type === 'requeued') this.requeued.inc({ reason: transition.why.reason });
    if (isFinal(job.state)) this.onEnded(job, job.state);
  }

  private onEnded(job: Job, state: JobState): void {
    const { kind, createdAt, startedAt, finishedAt } = job;
    this.ended.inc({ kind, state, reason: job.error?.reason ?? 'none' });
    this.attempts.labels(state).observe(job.attempt);
    this.total.labels(kind, state).observe(secondsBetween(createdAt, finishedAt));
    if (state === 'succeeded') this.service.labels(kind).observe(secondsBetween(startedAt, finishedAt));
  }

  /** A counter that appears with its first event has no increase by it: an alert would miss the first failure. */
  private showZeros(): void {
    for (const kind of kinds) {
      [this.accepted, this.replayed, this.fenced].forEach((counter) => counter.inc({ kind }, 0));
      this.ended.inc({ kind, state: 'succeeded', reason: 'none' }, 0);
      for (const state of finalStates.filter((one) => one !== 'succeeded')) {
        this.ended.inc({ kind, state, reason: usualReasons[state] }, 0);
      }
    }
  }
}

const usualReasons = { failed: 'attempts-exhausted', canceled: 'canceled', expired: 'deadline-exceeded' } as const;

function waited({ createdAt, startedAt }: Job): number {
  return secondsBetween(createdAt, startedAt);
}

/** The database's clock may step back. */
function secondsBetween(from: Date | null, to: Date | null): number {
  return from === null || to === null ? 0 : Math.max(to.getTime() - from.getTime(), 0) / 1000;
}

function counterIn(registry: Registry) {
  return (name: string, help: string, labelNames: string[]): Counter =>
    new Counter({ name, help, labelNames, registers: [registry] });
}

function histogramIn(registry: Registry) {
  return (name: string, help: string, labelNames: string[]): Histogram =>
    new Histogram({ name, help, labelNames, buckets: jobSeconds, registers: [registry] });
}
