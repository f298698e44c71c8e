import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Database, type Listening } from '../database/database.js';
import { DomainError } from '../errors/domain-error.js';
import { Bell } from './bell.js';
import { isFinalEvent, type JobEvent } from './domain/job-event.js';
import { isFinal, isJobId, type JobState } from './domain/job.js';
import { eventsChannel, parseNotice, previewNotice, type JobNotice } from './job-notice.js';

const rowsAtOnce = 200;
/** Seconds of the busiest service. */
const recentEndsKept = 4096;
/** A lost notification is made good by then. */
export const longestSleepMs = 5000;
export const outageSleepMs = 500;

export interface NoticeListener {
  onNotice: (notice: JobNotice) => void;
  /** Notices may have been missed. */
  onGap: () => void;
}

/** What happens to jobs, as it happens, whichever gateway writes it. */
@Injectable()
export class JobEvents {
  private readonly listeners = new Set<NoticeListener>();
  private readonly watchers = new Map<string, Set<Bell>>();
  private readonly endWatchers = new Map<string, Set<Bell>>();
  /** Ids of jobs that ended lately: who asks for the end of one just now must not wait for it. */
  private readonly recentEnds = new LRUCache<string, true>({ max: recentEndsKept });
  private listening: Listening | undefined;

  constructor(private readonly database: Database) {}

  async start(): Promise<void> {
    this.listening = await this.database.listen(
      eventsChannel,
      (payload) => this.onPayload(payload),
      () => this.onGap(),
    );
  }

  async stop(): Promise<void> {
    await this.listening?.close();
    this.listening = undefined;
    this.onGap();
  }

  /** @returns how to stop listening */
  subscribe(listener: NoticeListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /**
   * Rings when the job has ended, also when that was a moment ago, or when notices may have been missed: for those whom
   * nothing else of it concerns.
   *
   * @returns how to stop it
   */
  ringAtEnd(jobId: string, bell: Bell): () => void {
    if (this.recentEnds.has(jobId)) bell.ring();
    return addBell(this.endWatchers, jobId, bell);
  }

  /**
   * The events of a job with a number above `afterSeq`, past and to come, each once and in order; ends after the
   * job's last, or quietly when `signal` is aborted. Slow readers cost nothing: what they have not read is in the
   * database. Notifications only say when to look.
   *
   * @throws DomainError `not-found`, or `storage-unavailable` when not even the first look succeeds, from the iteration
   */
  async *watch(
    tenant: string,
    jobId: string,
    { afterSeq = 0, signal }: { afterSeq?: number; signal?: AbortSignal } = {},
  ): AsyncGenerator<JobEvent, void, undefined> {
    const bell = new Bell();
    const stopWatching = addBell(this.watchers, jobId, bell);
    try {
      let seq = afterSeq;
      let hasRead = false;
      for (;;) {
        if (signal?.aborted === true) return;
        const page = await this.read(tenant, jobId, seq).catch((error: unknown) => {
          // A database that restarts under a reader is no reason to leave it.
          if (hasRead && isOutage(error)) return undefined;
          throw error;
        });
        if (page === undefined) {
          await bell.sleep(outageSleepMs, signal);
          continue;
        }
        hasRead = true;
        const { events, hasEnded } = page;
        for (const event of events) {
          yield event;
          if (isFinalEvent(event)) return;
          seq = event.seq;
        }
        if (hasEnded && events.length === 0) return;
        if (events.length < rowsAtOnce) await bell.sleep(longestSleepMs, signal);
      }
    } finally {
      stopWatching();
    }
  }

  private async read(
    tenant: string,
    jobId: string,
    afterSeq: number,
  ): Promise<{ events: JobEvent[]; hasEnded: boolean }> {
    const rows = isJobId(jobId)
      ? await this.database.query<{ state: JobState } & (JobEvent | { seq: null })>(
          `SELECT j.state, e.seq, e.type, e.data, e.at FROM illustration.jobs j
           LEFT JOIN illustration.job_events e ON e.job_id = j.id AND e.seq > $3
           WHERE j.id = $1::uuid AND j.tenant = $2 ORDER BY e.seq LIMIT ${rowsAtOnce}`,
          [jobId, tenant, afterSeq],
        )
      : [];
    if (rows[0] === undefined) throw new DomainError('not-found', 'There is no such job.');
    const events = rows.flatMap((row) => (row.seq === null ? [] : [withoutState(row)]));
    return { events, hasEnded: isFinal(rows[0].state) };
  }

  private onPayload(payload: string): void {
    const notice = parseNotice(payload);
    if (notice === undefined) return;
    if (notice.type !== previewNotice) this.watchers.get(notice.jobId)?.forEach((bell) => bell.ring());
    if (isFinal(notice.type)) {
      this.recentEnds.set(notice.jobId, true);
      this.endWatchers.get(notice.jobId)?.forEach((bell) => bell.ring());
    }
    this.listeners.forEach((listener) => listener.onNotice(notice));
  }

  private onGap(): void {
    for (const watchers of [this.watchers, this.endWatchers]) {
      watchers.forEach((bells) => bells.forEach((bell) => bell.ring()));
    }
    this.listeners.forEach((listener) => listener.onGap());
  }
}

/** @returns how to take it away again */
function addBell(watchers: Map<string, Set<Bell>>, jobId: string, bell: Bell): () => void {
  const bells = watchers.get(jobId) ?? new Set();
  watchers.set(jobId, bells.add(bell));
  return () => {
    bells.delete(bell);
    if (bells.size === 0 && watchers.get(jobId) === bells) watchers.delete(jobId);
  };
}

export function isOutage(error: unknown): boolean {
  return error instanceof DomainError && error.reason === 'storage-unavailable';
}

function withoutState({ seq, type, data, at }: JobEvent): JobEvent {
  return { seq, type, data, at };
}
