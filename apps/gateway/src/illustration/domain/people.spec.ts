import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { DomainError } from '../../errors/domain-error.js';
import { IllustrationRequest, type IllustrationFields, type IllustrationKind } from './illustration-request.js';
import type { PersonFields } from './people.js';

const defaults = {
  numInferenceSteps: 50,
  ipAdapterScale: 0.33,
  guidanceScale: 5,
  loraScale: 0.8,
  negativePrompt: 'error',
  memoryStylePrompt: 'memory style',
  subjectStylePrompt: 'subject style',
};
const memory: IllustrationFields = { userId: 'ada', prompt: 'a summer at the lake' };
const left = { left: 0, top: 0, right: 0.5, bottom: 1 };

function withPeople(people: PersonFields[], fields: Partial<IllustrationFields> = {}): IllustrationRequest {
  return IllustrationRequest.create('memory', { ...memory, people, ...fields }, defaults);
}

function pointersOf(fields: Partial<IllustrationFields>, kind: IllustrationKind = 'memory'): string[] {
  try {
    IllustrationRequest.create(kind, { ...(kind === 'memory' ? memory : { userId: 'ada' }), ...fields }, defaults);
    return [];
  } catch (error) {
    if (!(error instanceof DomainError) || error.reason !== 'validation-failed') throw error;
    return (error.options.violations ?? []).map(({ pointer }) => pointer);
  }
}

describe('the people of a memory', () => {
  it('are the user alone, anywhere, when nobody is named', () => {
    expect(IllustrationRequest.create('memory', { ...memory, people: null }, defaults).people).toBeUndefined();
  });

  it('stand side by side from left to right in equal columns when no region is given', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 4 }), (count) => {
        const people = withPeople(Array.from({ length: count }, (_, at) => ({ userId: `p${at}` }))).people ?? [];
        expect(people.map(({ userId }) => userId)).toEqual(['p0', 'p1', 'p2', 'p3'].slice(0, count));
        const edges = people.flatMap(({ region }) => [region?.left, region?.right]);
        expect([edges[0], edges.at(-1)]).toEqual([0, 1]);
        expect(edges.slice(1, -1).filter((_, at) => at % 2 === 0)).toEqual(
          edges.slice(1, -1).filter((_, at) => at % 2 === 1),
        );
        for (const { region } of people) {
          expect(region).toMatchObject({ top: 0, bottom: 1 });
          expect((region?.right ?? 0) - (region?.left ?? 0)).toBeCloseTo(1 / count, 12);
        }
      }),
    );
  });

  it('may be one alone anywhere, or in a region', () => {
    expect(withPeople([{ userId: 'bob' }]).people).toEqual([
      { userId: 'bob', region: undefined, ipAdapterScale: 0.33 },
    ]);
    expect(withPeople([{ userId: 'bob', region: left }]).people).toMatchObject([{ region: left }]);
  });

  it("have each their own scale, else the request's, else the default", () => {
    const people = [
      { userId: 'ada', ipAdapterScale: 0 },
      { userId: 'bob', ipAdapterScale: null },
    ];
    expect(withPeople(people).people?.map(({ ipAdapterScale }) => ipAdapterScale)).toEqual([0, 0.33]);
    expect(withPeople(people, { ipAdapterScale: 0.7 }).people?.[1]?.ipAdapterScale).toBe(0.7);
  });

  it('are remembered as they were given: null is absent, and a region laid out for them is none of theirs', () => {
    const people = [{ userId: 'ada', region: null, ipAdapterScale: -0 }, { userId: 'bob' }];
    const [first, second] = [withPeople(people), withPeople([{ userId: 'ada', ipAdapterScale: 0 }, { userId: 'bob' }])];
    expect(JSON.stringify(first.given)).toBe(JSON.stringify(second.given));
    expect(first.given.people).toEqual([{ userId: 'ada', ipAdapterScale: -0 }, { userId: 'bob' }]);
  });

  it.each<[string, PersonFields[], string[]]>([
    ['nobody', [], ['/people']],
    ['five', ['a', 'b', 'c', 'd', 'e'].map((userId) => ({ userId })), ['/people']],
    ['somebody twice', [{ userId: 'ada' }, { userId: 'bob' }, { userId: 'ada' }], ['/people/2/user_id']],
    ['a path', [{ userId: '../ada' }], ['/people/0/user_id']],
    ['a region for one of two', [{ userId: 'ada', region: left }, { userId: 'bob' }], ['/people/1/region']],
    ['a region beyond the picture', [{ userId: 'ada', region: { ...left, right: 1.1 } }], ['/people/0/region/right']],
    ['a region before it', [{ userId: 'ada', region: { ...left, left: -0.1 } }], ['/people/0/region/left']],
    ['a region of no width', [{ userId: 'ada', region: { ...left, left: 0.5 } }], ['/people/0/region/right']],
    [
      'a region upside down',
      [{ userId: 'ada', region: { ...left, top: 1, bottom: 0.5 } }],
      ['/people/0/region/bottom'],
    ],
    ['a side that is none', [{ userId: 'ada', region: { ...left, top: Number.NaN } }], ['/people/0/region/top']],
    ['a scale over one', [{ userId: 'ada', ipAdapterScale: 1.5 }], ['/people/0/ip_adapter_scale']],
  ])('cannot be %s', (_, people, pointers) => {
    expect(pointersOf({ people })).toEqual(pointers);
  });

  it('in regions need a picture whose sides are multiples of 32, as the worker does', () => {
    const two = [{ userId: 'ada' }, { userId: 'bob' }];
    expect(pointersOf({ people: two, width: 520, height: 1000 })).toEqual(['/width', '/height']);
    expect(pointersOf({ people: [{ userId: 'ada', region: left }], width: 512, height: 520 })).toEqual(['/height']);
    expect(pointersOf({ people: two, width: 512, height: 992 })).toEqual([]);
    expect(pointersOf({ people: two })).toEqual([]);
    expect(pointersOf({ people: [{ userId: 'ada' }], width: 520, height: 1000 })).toEqual([]);
    expect(pointersOf({ people: two, width: 500 })).toEqual(['/width']);
  });

  it('are told once of a scale that is wrong for all', () => {
    expect(pointersOf({ ipAdapterScale: 2, people: [{ userId: 'ada' }, { userId: 'bob' }] })).toEqual([
      '/ip_adapter_scale',
    ]);
  });

  it('are none of a portrait', () => {
    expect(pointersOf({ people: [{ userId: 'ada' }] }, 'subject')).toEqual(['/people']);
  });
});

describe('a LoRA', () => {
  it('has a scale of its own, else the default, and without one there is none', () => {
    const scaleOf = (fields: Partial<IllustrationFields>) =>
      IllustrationRequest.create('memory', { ...memory, ...fields }, defaults).loraScale;
    expect(scaleOf({ loraId: 'oil', loraScale: 0 })).toBe(0);
    expect(scaleOf({ loraId: 'oil', loraScale: null })).toBe(0.8);
    expect(scaleOf({ loraId: null })).toBeUndefined();
  });

  it.each<[string, Partial<IllustrationFields>]>([
    ['without a LoRA', { loraScale: 1 }],
    ['over two', { loraId: 'oil', loraScale: 2.01 }],
    ['below zero', { loraId: 'oil', loraScale: -0.01 }],
    ['of no number', { loraId: 'oil', loraScale: Number.NaN }],
  ])('has no scale %s', (_, fields) => {
    expect(pointersOf(fields)).toEqual(['/lora_scale']);
  });
});
