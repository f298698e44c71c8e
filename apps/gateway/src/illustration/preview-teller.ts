import { isFinalEvent, type JobEvent } from '../jobs/domain/job-event.js';
import { isFinal, type Job } from '../jobs/domain/job.js';
import type { JobPreview, JobPreviews } from '../jobs/job-previews.js';
import { fromPayload } from './domain/illustration-payload.js';
import { toProgressView, type JobProgressView } from './job-view.js';

/** What a picture of a job looks like so far. */
export interface PreviewView {
  job_id: string;
  progress: JobProgressView;
  mime_type: 'image/png';
  /** Base64. */
  b64_json: string;
}

export interface PreviewListener {
  /** Aborted when nobody listens any more. */
  signal: AbortSignal;
  tell: (preview: PreviewView) => void | Promise<void>;
}

/**
 * Tells previews of a job that was asked to show them. Like places they are of the moment and no part of the job's
 * events: who comes back gets the newest only.
 */
export class PreviewTeller {
  private hasEnded: boolean;

  constructor(
    private readonly job: Job,
    private readonly previews: JobPreviews,
  ) {
    this.hasEnded = isFinal(job.state);
  }

  /** The event of the end must be the last that is told. */
  onEvent(event: JobEvent): void {
    if (isFinalEvent(event)) this.hasEnded = true;
  }

  async tellWhileDrawn({ signal, tell }: PreviewListener): Promise<void> {
    if (this.hasEnded) return;
    const { previewEvery, numInferenceSteps } = fromPayload(this.job.request);
    if (previewEvery === undefined) return;
    for await (const preview of this.previews.watch(this.job.id, signal)) {
      if (this.hasEnded) return;
      await tell(this.toView(preview, numInferenceSteps));
    }
  }

  private toView({ step, image, png }: JobPreview, total: number): PreviewView {
    const progress = toProgressView({ step, total, image: image + 1, images: this.job.images });
    return { job_id: this.job.id, progress, mime_type: 'image/png', b64_json: png.toString('base64') };
  }
}
