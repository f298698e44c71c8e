import { DomainError } from '../../errors/domain-error.js';
import type { IllustrationKind, IllustrationValues } from './illustration-values.js';
import { violationsOf } from './illustration-violations.js';

export type { IllustrationKind } from './illustration-values.js';

/** What a caller asks for. Optional fields may be absent or null: both mean the default. */
export interface IllustrationFields {
  userId: string;
  /** What happened, in the person's words. Only for a memory, and needed there. */
  prompt?: string | null;
  numInferenceSteps?: number | null;
  ipAdapterScale?: number | null;
  guidanceScale?: number | null;
  negativePrompt?: string | null;
  stylePrompt?: string | null;
  n?: number | null;
  width?: number | null;
  height?: number | null;
  loraId?: string | null;
  seed?: number | null;
  previewEvery?: number | null;
}

export interface IllustrationDefaults {
  readonly numInferenceSteps: number;
  readonly ipAdapterScale: number;
  readonly guidanceScale: number;
  readonly negativePrompt: string;
  readonly memoryStylePrompt: string;
  readonly subjectStylePrompt: string;
}

/** The fields that a caller gave, as plain JSON. */
export type GivenFields = { readonly [Field in keyof IllustrationFields]?: string | number };

/** One illustration to draw, valid by construction: defaults applied, every field within its range. */
export class IllustrationRequest implements IllustrationValues {
  readonly kind: IllustrationKind;
  readonly userId: string;
  readonly prompt: string;
  readonly stylePrompt: string;
  readonly negativePrompt: string;
  readonly numInferenceSteps: number;
  readonly ipAdapterScale: number;
  readonly guidanceScale: number;
  readonly n: number;
  readonly width: number | undefined;
  readonly height: number | undefined;
  readonly loraId: string | undefined;
  readonly seed: number | undefined;
  readonly previewEvery: number | undefined;

  private constructor(
    values: IllustrationValues,
    /**
     * What the caller sent, without defaults: it tells whether two requests are one, though the defaults change in
     * between. Of a restored request: everything.
     */
    readonly given: GivenFields,
  ) {
    this.kind = values.kind;
    this.userId = values.userId;
    this.prompt = values.prompt;
    this.stylePrompt = values.stylePrompt;
    this.negativePrompt = values.negativePrompt;
    this.numInferenceSteps = values.numInferenceSteps;
    this.ipAdapterScale = values.ipAdapterScale;
    this.guidanceScale = values.guidanceScale;
    this.n = values.n;
    this.width = values.width;
    this.height = values.height;
    this.loraId = values.loraId;
    this.seed = values.seed;
    this.previewEvery = values.previewEvery;
  }

  /** @throws DomainError `validation-failed` that names every wrong field. */
  static create(
    kind: IllustrationKind,
    fields: IllustrationFields,
    defaults: IllustrationDefaults,
  ): IllustrationRequest {
    const values: IllustrationValues = {
      kind,
      userId: fields.userId,
      prompt: fields.prompt ?? '',
      stylePrompt: fields.stylePrompt ?? (kind === 'memory' ? defaults.memoryStylePrompt : defaults.subjectStylePrompt),
      negativePrompt: fields.negativePrompt ?? defaults.negativePrompt,
      numInferenceSteps: fields.numInferenceSteps ?? defaults.numInferenceSteps,
      ipAdapterScale: unsignedZero(fields.ipAdapterScale ?? defaults.ipAdapterScale),
      guidanceScale: unsignedZero(fields.guidanceScale ?? defaults.guidanceScale),
      n: fields.n ?? 1,
      width: fields.width ?? undefined,
      height: fields.height ?? undefined,
      loraId: fields.loraId ?? undefined,
      seed: fields.seed === undefined || fields.seed === null ? undefined : unsignedZero(fields.seed),
      previewEvery: fields.previewEvery ?? undefined,
    };
    return IllustrationRequest.of(values, givenOf(fields));
  }

  /** A request as it was accepted, whatever the defaults are by now. @throws DomainError `validation-failed`. */
  static restore(values: IllustrationValues): IllustrationRequest {
    const { kind: _, ...fields } = values;
    return IllustrationRequest.of(values, givenOf(fields));
  }

  private static of(values: IllustrationValues, given: GivenFields): IllustrationRequest {
    const violations = [...violationsOf(values)];
    if (violations.length > 0) {
      throw new DomainError('validation-failed', violations.map(({ detail }) => detail).join('; '), { violations });
    }
    return new IllustrationRequest(values, given);
  }
}

function givenOf(fields: IllustrationFields): GivenFields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null));
}

/** JSON knows one zero only. */
function unsignedZero(value: number): number {
  return value === 0 ? 0 : value;
}
