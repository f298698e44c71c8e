import { randomUUID } from 'node:crypto';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Database } from '../database/database.js';
import { Shutdown } from '../lifecycle/shutdown.js';
import { Capacity } from './capacity.js';
import { FencedError } from './fenced.error.js';
import { haveEnded } from './have-ended.js';
import { noRoom } from './job-errors.js';
import { JobEvents } from './job-events.js';
import type { JobNotice } from './job-notice.js';
import { JobQueue, type Lease } from './job-queue.js';
import { JobRecovery } from './job-recovery.js';
import { JobRun } from './job-run.js';
import { JobRunner } from './job-runner.js';
import { queueSeen } from './job-signals.js';
import { JobsConfig } from './jobs-config.js';
import { Leftovers } from './leftovers.js';
import { Repeat } from './repeat.js';

const sweepMs = 500;
const tidyMs = 60_000;
const leftoversMs = 10_000;
/** To write how a run ended. */
const settleMs = 2000;
const announceMs = 2000;
/** Without a notification a waiting job is seen by then; postponed ones have none. */
const pollMs = 1000;

/** Gives waiting jobs to the runner of this gateway, as many as it has room for. */
@Injectable()
export class Dispatcher implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(Dispatcher.name);
  private readonly gatewayId = randomUUID();
  private readonly runs = new Map<string, JobRun>();
  /** Cancels told of while a lease was being taken: perhaps of a job in it. */
  private readonly canceledMeanwhile = new Set<string>();
  private rounds: Repeat[] = [];
  private leasing: Repeat | undefined;
  private stopListening: (() => void)[] = [];
  /** A job may wait that was not looked for: without one, a run that ends is no reason to ask the database. */
  private mayWait = true;
  private stepMs: number | null = null;
  private draining: Promise<void> | undefined;
  private readonly leftovers: Leftovers;

  constructor(
    private readonly database: Database,
    private readonly queue: JobQueue,
    private readonly recovery: JobRecovery,
    private readonly events: JobEvents,
    private readonly capacity: Capacity,
    private readonly runner: JobRunner,
    private readonly config: JobsConfig,
    private readonly shutdown: Shutdown,
  ) {
    this.leftovers = new Leftovers(database);
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.start();
    // At once, beside the requests in flight: many of them wait for these very runs.
    this.shutdown.begun.addEventListener('abort', () => void this.drain(this.shutdown.workMs));
  }

  async onModuleDestroy(): Promise<void> {
    await this.drain(this.shutdown.workMs);
  }

  async start(): Promise<void> {
    if (this.database.backend === 'pglite') {
      const reclaimed = await this.recovery.reclaimAll();
      if (reclaimed > 0) this.logger.warn({ jobs: reclaimed }, 'jobs of the process before this one are tried again');
    }
    await this.announce();
    const leasing = this.repeat(() => this.leaseRoom(), pollMs);
    this.leasing = leasing;
    this.stopListening = [
      this.events.subscribe({ onNotice: (notice) => this.onNotice(notice), onGap: () => this.onNewcomer() }),
      this.runner.onRoomChange(() => this.leaseIfWaiting()),
    ];
    this.rounds = [
      this.repeat(() => this.recovery.sweep(), sweepMs),
      this.repeat(() => this.recovery.tidy(this.config.retentionMs), tidyMs),
      this.repeat(() => this.leftovers.sweep((job) => this.runner.discard(job)), leftoversMs),
      this.repeat(() => this.announce(), announceMs),
    ];
  }

  /** Leases nothing more, lets runs end for `graceMs`, then hands them back. Once: later calls wait for the first. */
  drain(graceMs: number): Promise<void> {
    this.draining ??= this.endRuns(graceMs);
    return this.draining;
  }

  private async endRuns(graceMs: number): Promise<void> {
    await this.leasing?.stop();
    if (!(await this.haveRunsEnded(graceMs))) {
      this.runs.forEach((run) => run.handBack());
      const { abortGraceMs } = this.config;
      const lastWordsMs = Math.min(abortGraceMs + settleMs, this.shutdown.leftMs);
      if (!(await this.haveRunsEnded(lastWordsMs))) this.runs.forEach((run) => run.giveUp());
    }
    this.stopListening.forEach((stop) => stop());
    await Promise.all(this.rounds.map((round) => round.stop()));
    await this.capacity.leave(this.gatewayId).catch((error: unknown) => this.onTrouble(error));
  }

  private haveRunsEnded(withinMs: number): Promise<boolean> {
    return haveEnded(
      [...this.runs.values()].map(({ ended }) => ended),
      withinMs,
    );
  }

  /** What may be leased now. */
  private room(): number {
    return this.draining === undefined ? this.runner.room() : 0;
  }

  private onNotice({ jobId, type }: JobNotice): void {
    if (type === 'queued' || type === 'requeued') this.onNewcomer();
    if (type !== 'cancel-requested') return;
    this.runs.get(jobId)?.cancel();
    this.canceledMeanwhile.add(jobId);
  }

  private onNewcomer(): void {
    this.mayWait = true;
    this.leasing?.now();
  }

  private leaseIfWaiting(): void {
    if (this.mayWait) this.leasing?.now();
  }

  private async leaseRoom(): Promise<void> {
    for (let room = this.room(); room > 0; room = this.room()) {
      this.canceledMeanwhile.clear();
      this.mayWait = false; // unless somebody comes while the database answers
      const { leases, isQueueEmpty } = await this.queue.lease(room, this.stepMs);
      if (!isQueueEmpty) this.mayWait = true;
      await Promise.all(leases.map((lease) => this.begin(lease)));
      if (isQueueEmpty) return;
    }
  }

  private async begin(lease: Lease): Promise<void> {
    // The worker may have gone, or the drain begun, while the database answered.
    if (this.room() === 0) {
      await this.queue.release(lease, noRoom, 0);
      return;
    }
    const { leaseSeconds, stepTimeoutMs, abortGraceMs } = this.config;
    const settings = { leaseMs: leaseSeconds * 1000, stepTimeoutMs, abortGraceMs };
    const run = new JobRun(lease, this.runner, this.queue, settings, this.logger);
    this.runs.set(lease.job.id, run);
    if (this.canceledMeanwhile.has(lease.job.id)) run.cancel();
    void this.forget(run);
  }

  private async forget(run: JobRun): Promise<void> {
    await run.ended;
    const { id } = run.lease.job;
    if (this.runs.get(id) === run) this.runs.delete(id);
    this.leaseIfWaiting();
  }

  /** Tells the others of this gateway, and looks at how fast they all are. */
  private async announce(): Promise<void> {
    await this.capacity.announce(this.gatewayId, this.runs.size + this.room());
    const outlook = await this.capacity.outlook();
    this.stepMs = outlook.stepMs;
    queueSeen.send({ outlook, runs: this.runs.size });
  }

  private repeat(round: () => Promise<void>, everyMs: number): Repeat {
    return new Repeat(round, everyMs, (error) => this.onTrouble(error));
  }

  private onTrouble(error: unknown): void {
    if (error instanceof FencedError) return;
    this.logger.warn({ err: error }, 'the job path was disturbed; it goes on');
  }
}
