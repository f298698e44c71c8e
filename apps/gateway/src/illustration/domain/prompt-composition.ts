import type { IllustrationRequest } from './illustration-request.js';

export interface ComposedPrompts {
  /** For the first text encoder. */
  prompt: string;
  /** For the second text encoder; absent: `prompt` serves both. */
  prompt2?: string;
}

/**
 * How the words of a request reach SDXL's two text encoders, kept from the prototype so that pictures stay alike:
 * a memory's own text goes to the first and the style to the second; a portrait has the style alone. With a LoRA, the
 * word it was trained on goes in front of the first.
 *
 * @param instanceToken that word
 */
export function composePrompts(request: IllustrationRequest, instanceToken: string): ComposedPrompts {
  const { kind, stylePrompt, loraId } = request;
  const words = kind === 'subject' ? stylePrompt : request.prompt;
  const prompt = loraId === undefined ? words : `${instanceToken} ${words}`;
  // An empty second prompt is no second prompt: diffusers treats "" as absent, and so does the contract.
  return kind === 'subject' || stylePrompt === '' ? { prompt } : { prompt, prompt2: stylePrompt };
}
