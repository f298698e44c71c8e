import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { fromPayload, toPayload } from './illustration-payload.js';
import { IllustrationRequest } from './illustration-request.js';
import { isBlank, promptProblem } from './prompt-text.js';

const defaults = {
  numInferenceSteps: 50,
  ipAdapterScale: 0.33,
  guidanceScale: 5,
  loraScale: 1,
  negativePrompt: 'error',
  memoryStylePrompt: 'memory style',
  subjectStylePrompt: 'subject style',
};

const text = fc.string({ unit: 'grapheme', maxLength: 50 }).filter((value) => promptProblem(value) === undefined);
const words = text.filter((value) => !isBlank(value));
const scale = (max: number) => fc.double({ min: 0, max, noNaN: true });
const side = fc.integer({ min: 8, max: 512 }).map((latents) => latents * 8);
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

const options = {
  stylePrompt: maybe(words),
  negativePrompt: maybe(text),
  numInferenceSteps: maybe(fc.integer({ min: 1, max: 150 })),
  ipAdapterScale: maybe(scale(1)),
  guidanceScale: maybe(scale(30)),
  n: maybe(fc.integer({ min: 1, max: 4 })),
  width: maybe(side),
  height: maybe(side),
  loraId: maybe(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,20}$/)),
  seed: maybe(fc.integer({ min: 0, max: 2 ** 32 - 1 })),
  previewEvery: maybe(fc.integer({ min: 1, max: 150 })),
};
const userId = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/);

const requests = fc.oneof(
  fc
    .record({ userId, prompt: words, ...options })
    .map((fields) => IllustrationRequest.create('memory', fields, defaults)),
  fc.record({ userId, ...options }).map((fields) => IllustrationRequest.create('subject', fields, defaults)),
);

describe('the payload of a job', () => {
  it('is the request, whole, after any number of trips through JSON', () => {
    fc.assert(
      fc.property(requests, (request) => {
        const restored = fromPayload(JSON.parse(JSON.stringify(toPayload(request))));
        const { given: _, ...values } = request;
        expect(restored).toMatchObject(values);
        expect(toPayload(restored)).toEqual(toPayload(request));
      }),
    );
  });

  it('keeps the defaults that were true when it was accepted', () => {
    const request = IllustrationRequest.create('memory', { userId: 'ada', prompt: 'the lake' }, defaults);
    expect(fromPayload(toPayload(request))).toMatchObject({ numInferenceSteps: 50, stylePrompt: 'memory style', n: 1 });
  });

  it.each([
    [{}, 'kind'],
    [{ kind: 'sonnet' }, 'kind'],
    [{ kind: 'memory' }, 'user_id'],
    [{ ...toPayloadOf('the lake'), n: '1' }, 'n'],
    [{ ...toPayloadOf('the lake'), width: true }, 'width'],
  ])('is nothing else: %j', (payload, member) => {
    expect(() => fromPayload(payload)).toThrow(member);
  });

  it('is refused when the rules have become tighter', () => {
    expect(() => fromPayload({ ...toPayloadOf('the lake'), n: 5 })).toThrow(/validation-failed/);
  });
});

function toPayloadOf(prompt: string): object {
  return toPayload(IllustrationRequest.create('memory', { userId: 'ada', prompt }, defaults));
}
