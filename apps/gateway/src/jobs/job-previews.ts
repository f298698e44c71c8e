import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { DomainError } from '../errors/domain-error.js';
import { Bell } from './bell.js';
import type { PictureOfRun } from './job-checkpoints.js';
import { JobEvents } from './job-events.js';
import { eventsChannel, previewNotice } from './job-notice.js';

/** A lost notification is made good by then. */
const longestSleepMs = 5000;

/** What a picture looks like so far. */
export interface JobPreview {
  /** The run's, from 1. */
  attempt: number;
  /** Which picture of the job, from 0. */
  image: number;
  /** Denoising steps done. */
  step: number;
  /** A small PNG. */
  png: Buffer;
}

/**
 * The newest preview of each job that runs. Previews are of the moment: none is an event of its job, each replaces the
 * last one, and none is left when the job has ended.
 */
@Injectable()
export class JobPreviews {
  constructor(
    private readonly database: Database,
    private readonly events: JobEvents,
  ) {}

  /** Shows the preview to who watches, at whichever gateway. An attempt that is not the job's any more shows nothing. */
  async show({ jobId, attempt, image }: PictureOfRun, { step, png }: Pick<JobPreview, 'step' | 'png'>): Promise<void> {
    await this.database.query(
      `WITH shown AS (
         INSERT INTO illustration.job_previews (job_id, attempt, image, step, data)
         SELECT id, attempt, $3::int, $4::int, $5::bytea FROM illustration.jobs
         WHERE id = $1::uuid AND state = 'running' AND attempt = $2 FOR SHARE
         ON CONFLICT (job_id) DO UPDATE
           SET attempt = excluded.attempt, image = excluded.image, step = excluded.step, data = excluded.data
         RETURNING job_id
       )
       SELECT pg_notify('${eventsChannel}', job_id || ':0:${previewNotice}') FROM shown`,
      [jobId, attempt, image, step, png],
    );
  }

  /** The newest preview and then each newer one that the reader is quick enough for, until `signal` is aborted. */
  async *watch(jobId: string, signal: AbortSignal): AsyncGenerator<JobPreview, void, undefined> {
    const bell = new Bell();
    const stopListening = this.events.subscribe({
      onNotice: (notice) => {
        if (notice.jobId === jobId && notice.type === previewNotice) bell.ring();
      },
      onGap: () => bell.ring(),
    });
    try {
      let last: JobPreview | undefined;
      while (!signal.aborted) {
        const preview = await this.newest(jobId);
        if (preview !== undefined && !isSame(preview, last) && !signal.aborted) {
          last = preview;
          yield preview;
        }
        await bell.sleep(longestSleepMs, signal);
      }
    } finally {
      stopListening();
    }
  }

  /** While the database does not answer there is nothing to see. */
  private async newest(jobId: string): Promise<JobPreview | undefined> {
    try {
      const [row] = await this.database.query<Omit<JobPreview, 'png'> & { data: Uint8Array }>(
        'SELECT attempt, image, step, data FROM illustration.job_previews WHERE job_id = $1::uuid',
        [jobId],
      );
      if (row === undefined) return undefined;
      const { attempt, image, step, data } = row;
      return { attempt, image, step, png: Buffer.from(data) };
    } catch (error) {
      if (error instanceof DomainError && error.reason === 'storage-unavailable') return undefined;
      throw error;
    }
  }
}

function isSame(one: JobPreview, other: JobPreview | undefined): boolean {
  return one.attempt === other?.attempt && one.image === other.image && one.step === other.step;
}
