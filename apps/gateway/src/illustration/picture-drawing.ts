import { Injectable } from '@nestjs/common';

import type { Job } from '../jobs/domain/job.js';
import { traced } from '../observability/tracing/traced.js';
import type { IllustrationRequest } from './domain/illustration-request.js';
import type { Drawing } from './domain/illustrator.js';
import { DrawingDesk, seedOf, type DrawOptions } from './drawing-desk.js';
import { Drafts } from './drafts.js';
import type { MadePicture } from './made-picture.js';
import type { ReferenceVersions } from './reference-versions.js';
import type { CachedPicture, KnownPicture } from './result-cache/cached-picture.js';
import { Results } from './results.js';

/** One picture to make, and where it goes. */
export interface Order {
  job: Job;
  request: IllustrationRequest;
  attempt: number;
  image: number;
  key: string;
  /** The caller wants it drawn, whatever is remembered. */
  isFreshWanted: boolean;
}

export interface MakeOptions extends Omit<DrawOptions, 'checkpoint' | 'draft'> {
  /** Of the reference images of `people`. */
  versions: ReferenceVersions;
}

/** A picture that was made, and what others can have of it. */
export interface Made {
  made: MadePicture;
  known: KnownPicture | undefined;
}

/** Brings one picture of a job into the store, under the job's own key: by drawing it, or as a copy. */
@Injectable()
export class PictureDrawing {
  constructor(
    private readonly desk: DrawingDesk,
    private readonly results: Results,
    private readonly drafts: Drafts,
  ) {}

  /** @throws DomainError as `DrawingDesk.draw` and `Results.keep` */
  async draw(order: Order, options: MakeOptions): Promise<Made> {
    const { job, request, attempt, image, key } = order;
    const ofRun = { jobId: job.id, attempt, image };
    const checkpoint = await this.drafts.find(ofRun);
    const draft = this.drafts.open(ofRun);
    const { drawing, resumedFromStep } = await this.desk
      .draw(job, request, image, { ...options, draft, ...(checkpoint !== undefined && { checkpoint }) })
      .catch(async (error: unknown) => {
        await draft.save();
        throw error;
      });
    draft.discard();
    const kept = await this.keep(key, drawing, options.signal);
    const made = { ...kept, seed: seedOf(job, image), drawing, resumedFromStep, copied: undefined };
    // Else the object is another attempt's, and not byte for byte this drawing.
    const isOurs = kept.picture.sha256 === drawing.sha256;
    return { made, known: isOurs ? { entry: toEntry(order, drawing), png: drawing.png } : undefined };
  }

  /** @throws DomainError `storage-unavailable` */
  async copy({ entry, png }: KnownPicture, { job, image, key }: Order, signal: AbortSignal): Promise<MadePicture> {
    const kept = await this.keep(key, { ...entry, png }, signal);
    return { ...kept, seed: seedOf(job, image), drawing: undefined, resumedFromStep: undefined, copied: entry };
  }

  private async keep(
    key: string,
    picture: Pick<Drawing, 'png' | 'sha256' | 'width' | 'height'>,
    signal: AbortSignal,
  ): Promise<Pick<MadePicture, 'picture' | 'isAdopted' | 'uploadMs'>> {
    signal.throwIfAborted();
    const begunMs = performance.now();
    const kept = await traced('upload', () => this.results.keep(key, picture));
    return { ...kept, uploadMs: performance.now() - begunMs };
  }
}

function toEntry({ job, key }: Order, { sha256, width, height, warnings, loraSha256 }: Drawing): CachedPicture {
  return { jobId: job.id, key, sha256, width, height, warnings, ...(loraSha256 !== undefined && { loraSha256 }) };
}
