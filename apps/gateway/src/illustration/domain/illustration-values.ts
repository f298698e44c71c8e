/** A memory is drawn from its text and the person's avatar; a subject is the person's portrait from their photo. */
export type IllustrationKind = 'memory' | 'subject';

/** Denoising steps of one drawing. */
export const stepsRange = { min: 1, max: 150 } as const;
/** Weight of the reference image. */
export const ipAdapterScaleRange = { min: 0, max: 1 } as const;
/** How strongly a LoRA is applied; 1 is as trained. */
export const loraScaleRange = { min: 0, max: 2 } as const;
/** People who are to be seen in one memory. */
export const peopleRange = { min: 1, max: 4 } as const;
/** Images of a person, from several angles. */
export const referenceImagesRange = { min: 1, max: 5 } as const;
/** Which layers of the model the reference images steer: all, those of style, those of layout, or both of these. */
export const ipAdapterModes = ['full', 'style', 'layout', 'style_layout'] as const;
export type IpAdapterMode = (typeof ipAdapterModes)[number];
/** Classifier-free guidance; 1 or less turns it off. */
export const guidanceScaleRange = { min: 0, max: 30 } as const;
/** Steps from one preview to the next. */
export const previewEveryRange = stepsRange;
/** Seeds are unsigned 32-bit numbers. */
export const seedRange = { min: 0, max: 2 ** 32 - 1 } as const;
/** Images of one request. */
export const imagesRange = { min: 1, max: 4 } as const;
/** Pixels of a side, in steps of 8: one latent covers 8 pixels. The model may draw less; it is asked at accept. */
export const imageSizeRange = { min: 64, max: 4096 } as const;
export const imageSizeMultiple = 8;
/** With people in regions: one position of the UNet's narrowest layers, where their masks end. The worker knows no other. */
export const regionSizeMultiple = 32;

/** A rectangle of the picture, as fractions of its width and height. */
export interface Region {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** One of the people who are to be seen in a memory. */
export interface PersonValues {
  readonly userId: string;
  /** Where in the picture; undefined: anywhere. */
  readonly region: Region | undefined;
  readonly ipAdapterScale: number;
}

/** Everything that makes one illustration, defaults applied. */
export interface IllustrationValues {
  readonly kind: IllustrationKind;
  readonly userId: string;
  /** Empty for a subject. */
  readonly prompt: string;
  readonly stylePrompt: string;
  readonly negativePrompt: string;
  readonly numInferenceSteps: number;
  readonly ipAdapterScale: number;
  readonly ipAdapterMode: IpAdapterMode;
  /** Who is to be seen; undefined: the user, anywhere. */
  readonly people: readonly PersonValues[] | undefined;
  readonly guidanceScale: number;
  /** Images to draw, alike but for their seeds. */
  readonly n: number;
  /** Pixels; undefined: the model's default. */
  readonly width: number | undefined;
  readonly height: number | undefined;
  readonly loraId: string | undefined;
  /** undefined without a LoRA. */
  readonly loraScale: number | undefined;
  /** Of the first image; undefined: the service draws one. */
  readonly seed: number | undefined;
  /** Steps from one preview to the next; undefined: none. */
  readonly previewEvery: number | undefined;
}
