import { z } from 'zod';

/**
 * A picture that was drawn, and where it lies: all that another job needs to have the same one. A warning may quote words
 * of the prompt, so erasing a user forgets entries, too.
 */
export const cachedPicture = z.object({
  /** The job that drew it. */
  jobId: z.string(),
  /** Of its object in the store. */
  key: z.string(),
  /** Of the PNG, lower-case hexadecimal. */
  sha256: z.string(),
  width: z.number(),
  height: z.number(),
  /** What the caller should know of it, a sentence each. */
  warnings: z.array(z.string()),
  /** Of the LoRA file that was applied; absent: none was. */
  loraSha256: z.string().optional(),
});

export type CachedPicture = z.infer<typeof cachedPicture>;

/** A picture with its bytes, for whoever asks for the same. */
export interface KnownPicture {
  entry: CachedPicture;
  png: Buffer;
}
