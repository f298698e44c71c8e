/** Who draws, with what, and how much of it. */
export interface IllustratorProfile {
  workerVersion: string;
  /** A folder or a hub repository. */
  model: string;
  /** A small model that comes with the service, to try it out. */
  isDemoModel: boolean;
  /** What such a model says of itself; undefined for any other. */
  about: string | undefined;
  device: string;
  dtype: string;
  /** undefined: none is loaded. */
  ipAdapter: string | undefined;
  scheduler: string;
  engine: string;
  /** Drawings it takes at a time, those that wait for the device included. */
  maxOutstandingJobs: number;
  /** Pixels of a side when the request gives none. */
  defaultImageSize: number;
  /** Shortest side in pixels. */
  minImageSize: number;
  /** Longest side in pixels. */
  maxImageSize: number;
  /** What the model is made of. */
  modelFiles: ModelFile[];
  /** Equal digests draw equal pictures, with equal settings; empty: the worker does not tell. */
  modelDigest: string;
  /** Settings of the worker that reach the picture. */
  pictureSettings: string;
  /** In memory now, the latest used first. */
  heldLoras: HeldLora[];
  /** What is held of LoRAs at most; 0: requests cannot name one. */
  maxLoraBytes: number;
}

/** One file, or folder of files, that the model is made of. */
export interface ModelFile {
  /** base, lora, ip_adapter, image_encoder or vae. */
  role: string;
  /** Where it came from. */
  source: string;
  /** What it was found to be, in words. */
  kind: string;
  /** Lower-case hexadecimal. */
  sha256: string;
  sizeBytes: number;
}

/** A LoRA in the worker's memory. */
export interface HeldLora {
  loraId: string;
  /** Lower-case hexadecimal. */
  sha256: string;
  sizeBytes: number;
}
