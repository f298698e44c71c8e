import { DomainError } from '../../errors/domain-error.js';
import type { IllustrationKind, IllustrationValues, IpAdapterMode, PersonValues } from './illustration-values.js';
import { violationsOf } from './illustration-violations.js';
import { givenPeople, toPeople, unsignedZero, type GivenPerson, type PersonFields } from './people.js';

export type { IllustrationKind } from './illustration-values.js';

/** What a caller asks for. Optional fields may be absent or null: both mean the default. */
export interface IllustrationFields {
  userId: string;
  /** What happened, in the person's words. Only for a memory, and needed there. */
  prompt?: string | null;
  numInferenceSteps?: number | null;
  ipAdapterScale?: number | null;
  ipAdapterMode?: IpAdapterMode | null;
  /** Who is to be seen. Only for a memory. */
  people?: readonly PersonFields[] | null;
  guidanceScale?: number | null;
  negativePrompt?: string | null;
  stylePrompt?: string | null;
  n?: number | null;
  width?: number | null;
  height?: number | null;
  loraId?: string | null;
  /** Only with a LoRA. */
  loraScale?: number | null;
  seed?: number | null;
  previewEvery?: number | null;
}

export interface IllustrationDefaults {
  readonly numInferenceSteps: number;
  readonly ipAdapterScale: number;
  readonly guidanceScale: number;
  readonly loraScale: number;
  readonly negativePrompt: string;
  readonly memoryStylePrompt: string;
  readonly subjectStylePrompt: string;
}

/** The fields that a caller gave, as plain JSON. */
export type GivenFields = { readonly [Field in keyof IllustrationFields]?: string | number | GivenPerson[] };

/** One illustration to draw, valid by construction: defaults applied, every field within its range. */
export class IllustrationRequest implements IllustrationValues {
  readonly kind: IllustrationKind;
  readonly userId: string;
  readonly prompt: string;
  readonly stylePrompt: string;
  readonly negativePrompt: string;
  readonly numInferenceSteps: number;
  readonly ipAdapterScale: number;
  readonly ipAdapterMode: IpAdapterMode;
  readonly people: readonly PersonValues[] | undefined;
  readonly guidanceScale: number;
  readonly n: number;
  readonly width: number | undefined;
  readonly height: number | undefined;
  readonly loraId: string | undefined;
  readonly loraScale: number | undefined;
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
    this.ipAdapterMode = values.ipAdapterMode;
    this.people = values.people;
    this.guidanceScale = values.guidanceScale;
    this.n = values.n;
    this.width = values.width;
    this.height = values.height;
    this.loraId = values.loraId;
    this.loraScale = values.loraScale;
    this.seed = values.seed;
    this.previewEvery = values.previewEvery;
  }

  /** @throws DomainError `validation-failed` that names every wrong field. */
  static create(
    kind: IllustrationKind,
    fields: IllustrationFields,
    defaults: IllustrationDefaults,
  ): IllustrationRequest {
    const ipAdapterScale = unsignedZero(fields.ipAdapterScale ?? defaults.ipAdapterScale);
    const values: IllustrationValues = {
      kind,
      userId: fields.userId,
      prompt: fields.prompt ?? '',
      stylePrompt: fields.stylePrompt ?? (kind === 'memory' ? defaults.memoryStylePrompt : defaults.subjectStylePrompt),
      negativePrompt: fields.negativePrompt ?? defaults.negativePrompt,
      numInferenceSteps: fields.numInferenceSteps ?? defaults.numInferenceSteps,
      ipAdapterScale,
      ipAdapterMode: fields.ipAdapterMode ?? 'full',
      people: fields.people ? toPeople(fields.people, ipAdapterScale) : undefined,
      guidanceScale: unsignedZero(fields.guidanceScale ?? defaults.guidanceScale),
      n: fields.n ?? 1,
      width: fields.width ?? undefined,
      height: fields.height ?? undefined,
      loraId: fields.loraId ?? undefined,
      loraScale: loraScaleOf(fields, defaults),
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

function givenOf({ people, ...fields }: IllustrationFields): GivenFields {
  const plain = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null);
  return { ...Object.fromEntries(plain), ...(people && { people: givenPeople(people) }) };
}

/** The default only with a LoRA: a scale of none is refused. */
function loraScaleOf({ loraId, loraScale }: IllustrationFields, defaults: IllustrationDefaults): number | undefined {
  const hasLora = loraId !== undefined && loraId !== null;
  const scale = loraScale ?? (hasLora ? defaults.loraScale : undefined);
  return scale === undefined ? undefined : unsignedZero(scale);
}
