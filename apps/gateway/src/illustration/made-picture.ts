import type { Drawing } from './domain/illustrator.js';
import type { CachedPicture } from './result-cache/cached-picture.js';
import type { StoredPicture } from './results.js';

/** One picture of a job, and how this attempt came by it. */
export interface MadePicture {
  picture: StoredPicture;
  seed: number;
  /** undefined: found or copied, without a drawing. */
  drawing: Drawing | undefined;
  /** The same picture of another job, of which this is a copy; undefined: it is none. */
  copied: Pick<CachedPicture, 'jobId' | 'warnings' | 'loraSha256'> | undefined;
  /** Steps of an earlier attempt that the drawing went on from; undefined: it began at the first. */
  resumedFromStep: number | undefined;
  uploadMs: number;
  /** The object is an earlier attempt's. */
  isAdopted: boolean;
}
