import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { DomainError } from '../../errors/domain-error.js';
import { IllustrationRequest, type IllustrationFields, type IllustrationKind } from './illustration-request.js';

const defaults = {
  numInferenceSteps: 50,
  ipAdapterScale: 0.33,
  guidanceScale: 5,
  loraScale: 1,
  negativePrompt: 'error',
  memoryStylePrompt: 'memory style',
  subjectStylePrompt: 'subject style',
};
const memory: IllustrationFields = { userId: 'ada', prompt: 'a summer at the lake' };

function pointersOf(kind: IllustrationKind, fields: IllustrationFields): string[] {
  try {
    IllustrationRequest.create(kind, fields, defaults);
    return [];
  } catch (error) {
    if (!(error instanceof DomainError) || error.reason !== 'validation-failed') throw error;
    return (error.options.violations ?? []).map(({ pointer }) => pointer);
  }
}

describe('IllustrationRequest', () => {
  it.each([undefined, null])('takes the defaults for optional fields that are %s', (nothing) => {
    const request = IllustrationRequest.create(
      'memory',
      {
        ...memory,
        numInferenceSteps: nothing,
        ipAdapterScale: nothing,
        guidanceScale: nothing,
        n: nothing,
        width: nothing,
        height: nothing,
        negativePrompt: nothing,
        stylePrompt: nothing,
        loraId: nothing,
        seed: nothing,
      },
      defaults,
    );
    expect(request).toMatchObject({
      kind: 'memory',
      userId: 'ada',
      prompt: 'a summer at the lake',
      stylePrompt: 'memory style',
      negativePrompt: 'error',
      numInferenceSteps: 50,
      ipAdapterScale: 0.33,
      guidanceScale: 5,
      n: 1,
      width: undefined,
      height: undefined,
      loraId: undefined,
      seed: undefined,
    });
  });

  it('has another default style for a subject', () => {
    expect(IllustrationRequest.create('subject', { userId: 'ada' }, defaults).stylePrompt).toBe('subject style');
  });

  it('keeps what is zero or empty on purpose', () => {
    const fields = { ...memory, ipAdapterScale: 0, negativePrompt: '', stylePrompt: '', seed: 0 };
    expect(IllustrationRequest.create('memory', fields, defaults)).toMatchObject({
      ipAdapterScale: 0,
      negativePrompt: '',
      stylePrompt: '',
      seed: 0,
    });
  });

  it.each<[string, IllustrationKind, IllustrationFields, string]>([
    ['a path as user', 'memory', { ...memory, userId: '../etc/passwd' }, '/user_id'],
    ['two dots in the user', 'memory', { ...memory, userId: 'a..b' }, '/user_id'],
    ['an empty user', 'subject', { userId: '' }, '/user_id'],
    ['a user that is too long', 'subject', { userId: 'a'.repeat(129) }, '/user_id'],
    ['a user that ends in a line feed', 'subject', { userId: 'ada\n' }, '/user_id'],
    ['a LoRA with a slash', 'memory', { ...memory, loraId: 'a/b' }, '/lora_id'],
    ['a memory without words', 'memory', { userId: 'ada' }, '/prompt'],
    ['a memory of blanks', 'memory', { ...memory, prompt: ' \n\t' }, '/prompt'],
    ['a prompt that is too long', 'memory', { ...memory, prompt: 'x'.repeat(2001) }, '/prompt'],
    ['a control character', 'memory', { ...memory, prompt: 'a\u0000b' }, '/prompt'],
    ['an escape sequence', 'memory', { ...memory, negativePrompt: '\u001b[31m' }, '/negative_prompt'],
    ['a bidi override', 'memory', { ...memory, stylePrompt: 'a\u202eb' }, '/style_prompt'],
    ['a bidi isolate', 'memory', { ...memory, prompt: 'a\u2066b' }, '/prompt'],
    ['half a surrogate pair', 'memory', { ...memory, prompt: 'a\ud83d' }, '/prompt'],
    ['a portrait with a prompt', 'subject', { userId: 'ada', prompt: 'x' }, '/prompt'],
    ['a portrait without a style', 'subject', { userId: 'ada', stylePrompt: '' }, '/style_prompt'],
    ['no steps', 'memory', { ...memory, numInferenceSteps: 0 }, '/num_inference_steps'],
    ['too many steps', 'memory', { ...memory, numInferenceSteps: 151 }, '/num_inference_steps'],
    ['half a step', 'memory', { ...memory, numInferenceSteps: 1.5 }, '/num_inference_steps'],
    ['a negative scale', 'memory', { ...memory, ipAdapterScale: -0.1 }, '/ip_adapter_scale'],
    ['a scale over one', 'memory', { ...memory, ipAdapterScale: 1.01 }, '/ip_adapter_scale'],
    ['a scale that is no number', 'memory', { ...memory, ipAdapterScale: Number.NaN }, '/ip_adapter_scale'],
    ['a guidance over 30', 'memory', { ...memory, guidanceScale: 30.5 }, '/guidance_scale'],
    ['a guidance that is no number', 'memory', { ...memory, guidanceScale: Number.NaN }, '/guidance_scale'],
    ['no image', 'memory', { ...memory, n: 0 }, '/n'],
    ['five images', 'memory', { ...memory, n: 5 }, '/n'],
    ['half an image', 'memory', { ...memory, n: 1.5 }, '/n'],
    ['a width between latents', 'memory', { ...memory, width: 1023 }, '/width'],
    ['a height below the smallest', 'memory', { ...memory, height: 56 }, '/height'],
    ['a width beyond every model', 'memory', { ...memory, width: 4104 }, '/width'],
    ['a negative seed', 'memory', { ...memory, seed: -1 }, '/seed'],
    ['a seed of 33 bits', 'memory', { ...memory, seed: 2 ** 32 }, '/seed'],
  ])('refuses %s', (_, kind, fields, pointer) => {
    expect(pointersOf(kind, fields)).toEqual([pointer]);
  });

  it('names every wrong field at once', () => {
    expect(pointersOf('memory', { userId: '', prompt: '', seed: -1 })).toEqual(['/user_id', '/prompt', '/seed']);
  });

  it('takes the largest of everything', () => {
    const fields = {
      userId: 'a'.repeat(128),
      // Counted as people count: 2,000 characters outside of the basic plane are 4,000 UTF-16 units.
      prompt: '\u{1f35e}'.repeat(2000),
      numInferenceSteps: 150,
      ipAdapterScale: 1,
      guidanceScale: 30,
      n: 4,
      width: 4096,
      height: 4096,
      seed: 2 ** 32 - 1,
    };
    expect(pointersOf('memory', fields)).toEqual([]);
  });

  it('takes the layout and the scripts people write in', () => {
    expect(pointersOf('memory', { ...memory, prompt: 'line\r\nline\n\ttab שלום\u200f مرحبا 日本 é👩‍👩‍👧' })).toEqual([]);
  });

  it('remembers what was given, and not what was not', () => {
    const given = { ...memory, seed: 0, negativePrompt: '', width: null, loraId: undefined };
    expect(IllustrationRequest.create('memory', given, defaults).given).toEqual({
      ...memory,
      seed: 0,
      negativePrompt: '',
    });
  });

  it('is within its ranges whenever it exists', () => {
    const numbers = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(0, 1, 150, 2 ** 32));
    fc.assert(
      fc.property(fc.string(), fc.string(), numbers, numbers, numbers, (userId, prompt, steps, scale, seed) => {
        const fields = { userId, prompt, numInferenceSteps: steps, ipAdapterScale: scale, seed };
        if (pointersOf('memory', fields).length > 0) return;
        expect(userId).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/);
        expect(prompt.length).toBeLessThanOrEqual(4000);
        expect([1, 150].includes(steps) || (Number.isInteger(steps) && steps > 1 && steps < 150)).toBe(true);
        expect(scale >= 0 && scale <= 1).toBe(true);
        expect(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32).toBe(true);
      }),
    );
  });
});
