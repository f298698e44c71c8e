import { describe, expect, it } from 'vitest';

import { IllustrationRequest, type IllustrationFields, type IllustrationKind } from './illustration-request.js';
import { composePrompts, type ComposedPrompts } from './prompt-composition.js';

function composed(kind: IllustrationKind, fields: Partial<IllustrationFields>): ComposedPrompts {
  const defaults = {
    numInferenceSteps: 50,
    ipAdapterScale: 0.33,
    guidanceScale: 5,
    loraScale: 1,
    negativePrompt: '',
    memoryStylePrompt: 'memory style',
    subjectStylePrompt: 'subject style',
  };
  return composePrompts(IllustrationRequest.create(kind, { userId: 'ada', ...fields }, defaults), 'SKS person');
}

describe('composePrompts', () => {
  it("gives a memory's words to the first encoder and the style to the second", () => {
    expect(composed('memory', { prompt: 'the lake' })).toEqual({ prompt: 'the lake', prompt2: 'memory style' });
  });

  it('uses the style of the request', () => {
    expect(composed('memory', { prompt: 'the lake', stylePrompt: 'oil' })).toEqual({
      prompt: 'the lake',
      prompt2: 'oil',
    });
    expect(composed('subject', { stylePrompt: 'oil' })).toEqual({ prompt: 'oil' });
  });

  it('gives both encoders the style of a portrait', () => {
    expect(composed('subject', {})).toEqual({ prompt: 'subject style' });
  });

  it("puts a LoRA's word in front of what the first encoder gets, one space apart", () => {
    expect(composed('memory', { prompt: 'the lake', loraId: 'oil' })).toEqual({
      prompt: 'SKS person the lake',
      prompt2: 'memory style',
    });
    expect(composed('subject', { loraId: 'oil' })).toEqual({ prompt: 'SKS person subject style' });
  });

  it('gives both encoders the words of a memory whose style is empty', () => {
    expect(composed('memory', { prompt: 'the lake', stylePrompt: '' })).toEqual({ prompt: 'the lake' });
  });
});
