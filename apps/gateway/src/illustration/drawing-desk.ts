import { Inject, Injectable } from '@nestjs/common';

import { AppConfig } from '../config/app-config.js';
import { DomainError } from '../errors/domain-error.js';
import type { Job, JobProgress } from '../jobs/domain/job.js';
import type { IllustrationRequest } from './domain/illustration-request.js';
import {
  Illustrator,
  type Drawing,
  type DrawingCheckpoint,
  type DrawingEvent,
  type DrawingTask,
  type DrawnPerson,
} from './domain/illustrator.js';
import type { LoraFile } from './domain/lora-file.js';
import { composePrompts } from './domain/prompt-composition.js';
import type { Draft } from './drafts.js';

/** For a job without a deadline: longer than any drawing, and within what the worker accepts. */
const longestMs = 86_400_000;

export interface DrawOptions {
  signal: AbortSignal;
  onProgress: (progress: JobProgress) => void;
  /** Called while the drawing waits for the device and others on it move. */
  onWaiting: () => void;
  people: DrawnPerson[];
  /** The one that the request names, in the version of this attempt. */
  loraFile: LoraFile | undefined;
  /** Where an earlier attempt at the picture stopped. */
  checkpoint?: DrawingCheckpoint;
  draft: Pick<Draft, 'onCheckpoint' | 'onPreview'>;
}

export interface Drawn {
  drawing: Drawing;
  /** Steps that the worker took over from `checkpoint`; undefined: none, or it did not fit. */
  resumedFromStep: number | undefined;
}

/** Has one picture of a job drawn. */
@Injectable()
export class DrawingDesk {
  /** Those that the worker has taken and not begun. */
  private readonly waiting = new Set<DrawOptions['onWaiting']>();

  constructor(
    private readonly illustrator: Illustrator,
    @Inject(AppConfig) private readonly config: Pick<AppConfig, 'loraInstanceToken'>,
  ) {}

  /**
   * @param image which picture of the job, from 0
   * @throws DomainError as `Illustrator.draw`
   */
  async draw(job: Job, request: IllustrationRequest, image: number, options: DrawOptions): Promise<Drawn> {
    const task = this.toTask(job, request, image, options);
    const deadline = job.deadline ?? new Date(Date.now() + longestMs);
    const tell = (step: number): void =>
      options.onProgress({ step, total: request.numInferenceSteps, image: image + 1, images: job.images });
    const { onWaiting, signal } = options;
    let drawing: Drawing | undefined;
    let firstStep: number | undefined;
    try {
      for await (const event of this.illustrator.draw(task, { signal, deadline })) {
        if (event.type === 'queued' || event.type === 'lora') this.waiting.add(onWaiting);
        else this.waiting.delete(onWaiting);
        // The worker tells of a place in its line when that changes; meanwhile the others' steps show that it lives.
        this.waiting.forEach((tellWaiting) => tellWaiting());
        if (event.type === 'finished') drawing = event.drawing;
        else keepDraft(event, options.draft);
        if (event.type === 'started') tell(0);
        if (event.type !== 'step') continue;
        firstStep ??= event.index;
        tell(event.index);
      }
    } finally {
      this.waiting.delete(onWaiting);
    }
    if (drawing === undefined) throw new DomainError('generation-failed', 'The drawing ended without a picture.');
    return { drawing, resumedFromStep: firstStep === undefined || firstStep === 1 ? undefined : firstStep - 1 };
  }

  /** What the worker is asked for. */
  toTask(
    job: Job,
    request: IllustrationRequest,
    image: number,
    { people, loraFile, checkpoint }: Pick<DrawOptions, 'people' | 'loraFile' | 'checkpoint'>,
  ): DrawingTask {
    return {
      jobId: job.id,
      requestId: job.requestId,
      ...composePrompts(request, this.config.loraInstanceToken),
      negativePrompt: request.negativePrompt,
      numInferenceSteps: request.numInferenceSteps,
      people,
      ipAdapterMode: request.ipAdapterMode,
      ...(loraFile && { lora: { file: loraFile, scale: request.loraScale ?? 1 } }),
      guidanceScale: request.guidanceScale,
      ...(request.width !== undefined && { width: request.width }),
      ...(request.height !== undefined && { height: request.height }),
      seed: seedOf(job, image),
      ...(request.previewEvery !== undefined && { previewEvery: request.previewEvery }),
      ...(checkpoint !== undefined && { checkpoint }),
    };
  }
}

function keepDraft(event: DrawingEvent, draft: DrawOptions['draft']): void {
  if (event.type === 'checkpoint') draft.onCheckpoint(event.checkpoint);
  if (event.type === 'preview') draft.onPreview(event.preview);
}

/** Each picture of a job has the next seed, so that any of them can be drawn again by itself. */
export function seedOf(job: Pick<Job, 'seed'>, image: number): number {
  return (job.seed + image) % 2 ** 32;
}
