import type { Drawing } from './domain/illustrator.js';
import type { StoredPicture } from './results.js';

/** One picture of a job, and how this attempt came by it. */
export interface MadePicture {
  picture: StoredPicture;
  seed: number;
  /** undefined: found, without a drawing. */
  drawing: Drawing | undefined;
  /** Steps of an earlier attempt that the drawing went on from; undefined: it began at the first. */
  resumedFromStep: number | undefined;
  uploadMs: number;
  /** The object is an earlier attempt's. */
  isAdopted: boolean;
}
