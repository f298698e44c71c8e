import type { IllustrationRequest } from './illustration-request.js';

export interface ComposedPrompts {
  /** For the first text encoder. */
  prompt: string;
  /** For the second text encoder; absent: `prompt` serves both. */
  prompt2?: string;
}

/**
 * How the words of a request reach SDXL's two text encoders, kept from the prototype so that pictures stay alike:
 * a memory's own text goes to the first and the style to the second; a portrait has the style alone.
 *
 * Once drawing with a LoRA exists, the LoRA's instance token (default `SKS`) goes in front of `prompt`, one space apart.
 */
export function composePrompts(request: IllustrationRequest): ComposedPrompts {
  if (request.kind === 'subject') return { prompt: request.stylePrompt };
  // An empty second prompt is no second prompt: diffusers treats "" as absent, and so does the contract.
  return request.stylePrompt === ''
    ? { prompt: request.prompt }
    : { prompt: request.prompt, prompt2: request.stylePrompt };
}
