import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { fromPayload, toPayload } from './illustration-payload.js';
import { IllustrationRequest } from './illustration-request.js';
import { ipAdapterModes } from './illustration-values.js';
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
const side = fc.integer({ min: 2, max: 128 }).map((number) => number * 32);
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
  seed: maybe(fc.integer({ min: 0, max: 2 ** 32 - 1 })),
  previewEvery: maybe(fc.integer({ min: 1, max: 150 })),
  ipAdapterMode: maybe(fc.constantFrom(...ipAdapterModes)),
};
const userId = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/);
const lora = fc.oneof(
  fc.constant({}),
  fc.record({ loraId: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,20}$/), loraScale: maybe(scale(2)) }),
);
const span = fc
  .tuple(scale(1), scale(1))
  .filter(([one, other]) => one !== other)
  .map(([one, other]): [number, number] => (one < other ? [one, other] : [other, one]));
const region = fc.tuple(span, span).map(([[left, right], [top, bottom]]) => ({ left, top, right, bottom }));
const people = fc
  .tuple(
    fc.uniqueArray(userId, { minLength: 1, maxLength: 4 }),
    fc.boolean(),
    fc.array(region, { minLength: 4, maxLength: 4 }),
    maybe(scale(1)),
  )
  .map(([userIds, areLaidOut, regions, ipAdapterScale]) =>
    userIds.map((id, at) => ({ userId: id, region: areLaidOut ? null : regions[at], ipAdapterScale })),
  );

const requests = fc.oneof(
  fc
    .tuple(fc.record({ userId, prompt: words, people: maybe(people), ...options }), lora)
    .map(([fields, named]) => IllustrationRequest.create('memory', { ...fields, ...named }, defaults)),
  fc
    .tuple(fc.record({ userId, ...options }), lora)
    .map(([fields, named]) => IllustrationRequest.create('subject', { ...fields, ...named }, defaults)),
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

  it('of before there were modes, people and LoRA scales is read as ever', () => {
    const { ip_adapter_mode: _, ...old } = toPayload(
      IllustrationRequest.create('memory', { userId: 'ada', prompt: 'the lake' }, defaults),
    );
    expect(fromPayload(JSON.parse(JSON.stringify(old)))).toMatchObject({ ipAdapterMode: 'full', people: undefined });
  });

  it.each([
    [{}, 'kind'],
    [{ kind: 'sonnet' }, 'kind'],
    [{ kind: 'memory' }, 'user_id'],
    [{ ...toPayloadOf('the lake'), n: '1' }, 'n'],
    [{ ...toPayloadOf('the lake'), width: true }, 'width'],
    [{ ...toPayloadOf('the lake'), ip_adapter_mode: 'colour' }, 'ip_adapter_mode'],
    [{ ...toPayloadOf('the lake'), people: {} }, 'people'],
    [{ ...toPayloadOf('the lake'), people: [null] }, 'people'],
    [{ ...toPayloadOf('the lake'), people: [{ user_id: 'ada', region: 1 }] }, 'region'],
    [{ ...toPayloadOf('the lake'), people: [{ user_id: 'ada' }] }, 'ip_adapter_scale'],
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
