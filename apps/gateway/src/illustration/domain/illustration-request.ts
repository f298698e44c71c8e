import { DomainError, type Violation } from '../../errors/domain-error.js';
import { identifierRule, isIdentifier } from './identifier.js';
import { isBlank, promptProblem } from './prompt-text.js';

/** A memory is drawn from its text and the person's avatar; a subject is the person's portrait from their photo. */
export type IllustrationKind = 'memory' | 'subject';

/** Denoising steps of one drawing. */
export const stepsRange = { min: 1, max: 150 } as const;
/** Weight of the reference image. */
export const ipAdapterScaleRange = { min: 0, max: 1 } as const;
/** Seeds are unsigned 32-bit numbers. */
export const seedRange = { min: 0, max: 2 ** 32 - 1 } as const;

/** What a caller asks for. Optional fields may be absent or null: both mean the default. */
export interface IllustrationFields {
  userId: string;
  /** What happened, in the person's words. Only for a memory, and needed there. */
  prompt?: string | null;
  numInferenceSteps?: number | null;
  ipAdapterScale?: number | null;
  negativePrompt?: string | null;
  stylePrompt?: string | null;
  loraId?: string | null;
  seed?: number | null;
}

export interface IllustrationDefaults {
  readonly numInferenceSteps: number;
  readonly ipAdapterScale: number;
  readonly negativePrompt: string;
  readonly memoryStylePrompt: string;
  readonly subjectStylePrompt: string;
}

/** One illustration to draw, valid by construction: defaults applied, every field within its range. */
export class IllustrationRequest {
  private constructor(
    readonly kind: IllustrationKind,
    readonly userId: string,
    /** Empty for a subject. */
    readonly prompt: string,
    readonly stylePrompt: string,
    readonly negativePrompt: string,
    readonly numInferenceSteps: number,
    readonly ipAdapterScale: number,
    readonly loraId: string | undefined,
    /** Undefined: the service draws one. */
    readonly seed: number | undefined,
  ) {}

  /** @throws DomainError `validation-failed` that names every wrong field. */
  static create(
    kind: IllustrationKind,
    fields: IllustrationFields,
    defaults: IllustrationDefaults,
  ): IllustrationRequest {
    const request = new IllustrationRequest(
      kind,
      fields.userId,
      fields.prompt ?? '',
      fields.stylePrompt ?? (kind === 'memory' ? defaults.memoryStylePrompt : defaults.subjectStylePrompt),
      fields.negativePrompt ?? defaults.negativePrompt,
      fields.numInferenceSteps ?? defaults.numInferenceSteps,
      fields.ipAdapterScale ?? defaults.ipAdapterScale,
      fields.loraId ?? undefined,
      fields.seed ?? undefined,
    );
    const violations = [...violationsOf(request)];
    if (violations.length > 0) {
      throw new DomainError('validation-failed', violations.map(({ detail }) => detail).join('; '), { violations });
    }
    return request;
  }
}

function* violationsOf(request: IllustrationRequest): Generator<Violation> {
  if (!isIdentifier(request.userId)) yield violation('user_id', `must be ${identifierRule}`);
  if (request.loraId !== undefined && !isIdentifier(request.loraId)) {
    yield violation('lora_id', `must be ${identifierRule}`);
  }
  yield* promptViolations(request);
  if (!isIntegerWithin(request.numInferenceSteps, stepsRange)) {
    yield violation('num_inference_steps', `must be a whole number from ${stepsRange.min} to ${stepsRange.max}`);
  }
  if (!isWithin(request.ipAdapterScale, ipAdapterScaleRange)) {
    yield violation(
      'ip_adapter_scale',
      `must be a number from ${ipAdapterScaleRange.min} to ${ipAdapterScaleRange.max}`,
    );
  }
  if (request.seed !== undefined && !isIntegerWithin(request.seed, seedRange)) {
    yield violation('seed', `must be a whole number from ${seedRange.min} to ${seedRange.max}`);
  }
}

function* promptViolations(request: IllustrationRequest): Generator<Violation> {
  const texts = { prompt: request.prompt, style_prompt: request.stylePrompt, negative_prompt: request.negativePrompt };
  for (const [field, text] of Object.entries(texts)) {
    const problem = promptProblem(text);
    if (problem !== undefined) yield violation(field, problem);
  }
  // What the picture shows: the person's words for a memory, the style alone for a portrait.
  if (request.kind === 'memory' && isBlank(request.prompt)) yield violation('prompt', 'must not be blank');
  if (request.kind === 'subject' && isBlank(request.stylePrompt)) yield violation('style_prompt', 'must not be blank');
  if (request.kind === 'subject' && request.prompt !== '') yield violation('prompt', 'is not a field of a portrait');
}

function violation(field: string, detail: string): Violation {
  return { pointer: `/${field}`, detail: `${field} ${detail}` };
}

function isWithin(value: number, range: { min: number; max: number }): boolean {
  // Also false for NaN.
  return value >= range.min && value <= range.max;
}

function isIntegerWithin(value: number, range: { min: number; max: number }): boolean {
  return Number.isInteger(value) && isWithin(value, range);
}
