import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { isIdentifier } from '../illustration/domain/identifier.js';
import { ObjectKeys } from './object-keys.js';

const keys = new ObjectKeys({ avatar: 'avatars', subject: 'subjects', generated: 'generated', lora: 'loras' });

describe('ObjectKeys', () => {
  it('makes the keys that the callers know', () => {
    expect(keys.avatar('ada')).toBe('avatars/ada.png');
    expect(keys.subject('ada')).toBe('subjects/ada.png');
    expect(keys.subjectAngles('ada')).toEqual([0, 1, 2, 3, 4].map((angle) => `subjects/ada-${angle}.png`));
    expect(keys.result('memory', 'ada', '1f')).toBe('generated/ada/memory_1f.png');
    expect(keys.result('subject', 'ada', '1f')).toBe('generated/ada/subject_1f.png');
    expect(keys.lora('style-1')).toBe('loras/style-1/lora.safetensors');
  });

  it('does not take the probe for a result', () => {
    expect(keys.writeProbe()).toBe('generated/write-probe');
    expect(keys.isResult(keys.writeProbe())).toBe(false);
  });

  it('makes them under the configured prefixes', () => {
    const own = new ObjectKeys({ avatar: 'a/b', subject: 's', generated: 'out/g', lora: 'l' });
    expect(own.avatar('ada')).toBe('a/b/ada.png');
    expect(own.isResult(own.result('memory', 'ada', '1f'))).toBe(true);
    expect(own.isResult('generated/ada/memory_1f.png')).toBe(false);
  });

  const ids = fc.oneof(fc.string(), fc.stringMatching(/^[A-Za-z0-9._/-]{1,140}$/));

  it('makes keys of identifiers that have no other parts', () => {
    fc.assert(
      fc.property(ids.filter(isIdentifier), (id) => {
        expect(keys.result('memory', id, id)).toBe(`generated/${id}/memory_${id}.png`);
        expect(keys.result('memory', id, id).split('/')).toHaveLength(3);
        expect(keys.isResult(keys.result('subject', id, id))).toBe(true);
      }),
    );
  });

  it('makes no key of anything else', () => {
    const refusal = 'not an identifier';
    fc.assert(
      fc.property(
        ids.filter((id) => !isIdentifier(id)),
        (id) => {
          expect(() => keys.avatar(id)).toThrow(refusal);
          expect(() => keys.subject(id)).toThrow(refusal);
          expect(() => keys.lora(id)).toThrow(refusal);
          expect(() => keys.result('memory', 'ada', id)).toThrow(refusal);
        },
      ),
    );
  });

  it.each([
    'avatars/ada.png',
    'subjects/ada.png',
    'loras/a/lora.safetensors',
    'generated/ada.png',
    'generated/ada/other_1.png',
    'generated/ada/memory_1.jpg',
    'generated/ada/memory_.png',
    'generated/ada/memory_1.png/x',
    'generated//memory_1.png',
    'generated/../avatars/memory_1.png',
    'generated/../avatars/ada.png',
    'generated/ada/../../avatars/ada.png',
    'generated/ada/memory_../../x.png',
    '/generated/ada/memory_1.png',
    'generatedx/ada/memory_1.png',
    'generated/ada/.memory_1.png',
    '',
  ])('does not take %j for a result', (key) => {
    expect(keys.isResult(key)).toBe(false);
  });
});
