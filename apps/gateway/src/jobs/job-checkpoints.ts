import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';

/** One picture of a run. */
export interface PictureOfRun {
  jobId: string;
  /** The fencing token of the run, from 1. */
  attempt: number;
  /** Which picture of the job, from 0. */
  image: number;
}

/** From here an interrupted drawing can go on. */
export interface JobCheckpoint {
  /** Denoising steps done. */
  step: number;
  /** Only whoever draws can read it. */
  state: Buffer;
}

/** The latest checkpoint of each picture of a job, until the job ends. */
@Injectable()
export class JobCheckpoints {
  constructor(private readonly database: Database) {}

  /**
   * Keeps the checkpoint in place of the picture's last one. An attempt that is not the job's any more writes nothing;
   * the lock on the job's row keeps the two from passing each other.
   */
  async keep({ jobId, attempt, image }: PictureOfRun, { step, state }: JobCheckpoint): Promise<void> {
    await this.database.query(
      `INSERT INTO illustration.job_checkpoints AS kept (job_id, image, attempt, step, data)
       SELECT id, $3::int, attempt, $4::int, $5::bytea FROM illustration.jobs
       WHERE id = $1::uuid AND state = 'running' AND attempt = $2 FOR SHARE
       ON CONFLICT (job_id, image) DO UPDATE
         SET attempt = excluded.attempt, step = excluded.step, data = excluded.data, at = clock_timestamp()
         WHERE kept.attempt <= excluded.attempt`,
      [jobId, attempt, image, step, state],
    );
  }

  /** @param image from 0 @returns undefined: no attempt has come so far */
  async find(jobId: string, image: number): Promise<JobCheckpoint | undefined> {
    const [row] = await this.database.query<{ step: number; data: Uint8Array }>(
      'SELECT step, data FROM illustration.job_checkpoints WHERE job_id = $1::uuid AND image = $2',
      [jobId, image],
    );
    return row && { step: row.step, state: Buffer.from(row.data) };
  }
}
