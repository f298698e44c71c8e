/** Names the content of a reference image: the object, and its version in the store. */
export interface ImageVersion {
  key: string;
  /** undefined: the store does not tell. */
  etag: string | undefined;
}

/** One list a person, one version an image, both in the order in which they are drawn from. */
export type ReferenceVersions = readonly (readonly ImageVersion[])[];
