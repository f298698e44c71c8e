import type { Violation } from '../../errors/domain-error.js';
import { identifierRule, isIdentifier } from './identifier.js';
import {
  guidanceScaleRange,
  imagesRange,
  imageSizeMultiple,
  imageSizeRange,
  ipAdapterModes,
  ipAdapterScaleRange,
  loraScaleRange,
  previewEveryRange,
  seedRange,
  stepsRange,
  type IllustrationValues,
} from './illustration-values.js';
import { peopleViolations } from './people-violations.js';
import { isBlank, promptProblem } from './prompt-text.js';
import { isWithin, numberViolation, violation, type Range } from './violation-rules.js';

/** Every field that is out of its range. */
export function* violationsOf(values: IllustrationValues): Generator<Violation> {
  if (!isIdentifier(values.userId)) yield violation('user_id', `must be ${identifierRule}`);
  if (values.loraId !== undefined && !isIdentifier(values.loraId)) {
    yield violation('lora_id', `must be ${identifierRule}`);
  }
  yield* loraScaleViolations(values);
  yield* promptViolations(values);
  yield* integerViolation('num_inference_steps', values.numInferenceSteps, stepsRange);
  yield* numberViolation('ip_adapter_scale', values.ipAdapterScale, ipAdapterScaleRange);
  if (!ipAdapterModes.includes(values.ipAdapterMode)) {
    yield violation('ip_adapter_mode', `must be one of ${ipAdapterModes.join(', ')}`);
  }
  yield* peopleViolations(values);
  yield* numberViolation('guidance_scale', values.guidanceScale, guidanceScaleRange);
  yield* integerViolation('n', values.n, imagesRange);
  yield* sizeViolation('width', values.width, imageSizeRange);
  yield* sizeViolation('height', values.height, imageSizeRange);
  if (values.seed !== undefined) yield* integerViolation('seed', values.seed, seedRange);
  if (values.previewEvery !== undefined) {
    yield* integerViolation('preview_every', values.previewEvery, previewEveryRange);
  }
}

/** Sides that the loaded model does not draw. */
export function* sizeViolationsOf(
  { width, height }: Pick<IllustrationValues, 'width' | 'height'>,
  range: Range,
): Generator<Violation> {
  yield* sizeViolation('width', width, range);
  yield* sizeViolation('height', height, range);
}

function* loraScaleViolations({ loraId, loraScale }: IllustrationValues): Generator<Violation> {
  if (loraScale === undefined) return;
  if (loraId === undefined) yield violation('lora_scale', 'needs a lora_id');
  yield* numberViolation('lora_scale', loraScale, loraScaleRange);
}

function* promptViolations(values: IllustrationValues): Generator<Violation> {
  const texts = { prompt: values.prompt, style_prompt: values.stylePrompt, negative_prompt: values.negativePrompt };
  for (const [field, text] of Object.entries(texts)) {
    const problem = promptProblem(text);
    if (problem !== undefined) yield violation(field, problem);
  }
  // What the picture shows: the person's words for a memory, the style alone for a portrait.
  if (values.kind === 'memory' && isBlank(values.prompt)) yield violation('prompt', 'must not be blank');
  if (values.kind === 'subject' && isBlank(values.stylePrompt)) yield violation('style_prompt', 'must not be blank');
  if (values.kind === 'subject' && values.prompt !== '') yield violation('prompt', 'is not a field of a portrait');
}

function* integerViolation(field: string, value: number, { min, max }: Range): Generator<Violation> {
  if (!Number.isInteger(value) || !isWithin(value, { min, max })) {
    yield violation(field, `must be a whole number from ${min} to ${max}`);
  }
}

function* sizeViolation(field: string, value: number | undefined, { min, max }: Range): Generator<Violation> {
  if (value === undefined) return;
  if (min === max && value !== min) {
    yield violation(field, `must be ${min}: the model in use draws one size only`);
  } else if (!isWithin(value, { min, max }) || value % imageSizeMultiple !== 0) {
    yield violation(field, `must be a multiple of ${imageSizeMultiple} from ${min} to ${max}`);
  }
}
