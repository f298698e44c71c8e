import { Injectable, Logger } from '@nestjs/common';

import { DomainError } from '../errors/domain-error.js';
import { JobCheckpoints, type PictureOfRun } from '../jobs/job-checkpoints.js';
import { JobPreviews } from '../jobs/job-previews.js';
import { NewestLog } from '../jobs/newest-log.js';
import type { DrawingCheckpoint, DrawingPreview } from './domain/illustrator.js';

/** The worker takes no larger one back. */
const maxCheckpointBytes = 8 * 1024 * 1024;

/** Keeps what a drawing tells of its unfinished picture. Nothing here waits for the database, and nothing here fails. */
export interface Draft {
  onCheckpoint: (checkpoint: DrawingCheckpoint) => void;
  onPreview: (preview: DrawingPreview) => void;
  /** The picture is there: what was not written yet is of no use. */
  discard: () => void;
  /** The attempt is over without it: resolves when the next one can go on from the newest checkpoint. */
  save: () => Promise<void>;
}

/** Unfinished pictures: where an interrupted drawing can go on, and what there is to see meanwhile. */
@Injectable()
export class Drafts {
  private readonly logger = new Logger(Drafts.name);

  constructor(
    private readonly checkpoints: JobCheckpoints,
    private readonly previews: JobPreviews,
  ) {}

  /** Where an earlier attempt at the picture stopped; undefined: it is drawn from the start. */
  async find({ jobId, attempt, image }: PictureOfRun): Promise<DrawingCheckpoint | undefined> {
    if (attempt === 1) return undefined;
    try {
      return await this.checkpoints.find(jobId, image);
    } catch (error) {
      // Going on saves work, and no more than that.
      if (!(error instanceof DomainError)) throw error;
      this.logger.warn({ err: error, job_id: jobId, attempt }, 'a checkpoint could not be read');
      return undefined;
    }
  }

  open(picture: PictureOfRun): Draft {
    const fields = { job_id: picture.jobId, attempt: picture.attempt };
    const warn = (error: unknown): void =>
      this.logger.warn({ ...fields, err: error }, 'an unfinished picture was not kept');
    const checkpoints = new NewestLog<DrawingCheckpoint>((one) => this.checkpoints.keep(picture, one), warn, 0);
    const previews = new NewestLog<DrawingPreview>((one) => this.previews.show(picture, one), warn);
    return {
      onCheckpoint: (one) => {
        if (one.state.length <= maxCheckpointBytes) checkpoints.report(one);
      },
      onPreview: (one) => previews.report(one),
      discard: () => {
        checkpoints.drop();
        previews.drop();
      },
      save: () => {
        previews.drop();
        return checkpoints.flush();
      },
    };
  }
}
