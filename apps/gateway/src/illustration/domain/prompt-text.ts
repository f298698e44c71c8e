/** Characters (Unicode code points, as JSON Schema counts them) of a prompt. */
export const maxPromptLength = 2000;

// Tab, line feed and carriage return are how people's text is laid out; every other control character is not text.
const controlCharacter = /[^\P{Cc}\t\n\r]/u;
// Embeddings, overrides and isolates reorder what a reader of a log or a review page sees. The plain marks (U+200E,
// U+200F, U+061C) stay legal: right-to-left scripts need them.
const bidiOverride = /[\u202a-\u202e\u2066-\u2069]/u;
// Half of a surrogate pair: not text in any encoding, and protobuf would silently replace it.
const loneSurrogate = /\p{Cs}/u;

/** What is wrong with `text` as a prompt, as the end of a sentence that starts with its name; undefined: nothing. */
export function promptProblem(text: string): string | undefined {
  if (Array.from(text).length > maxPromptLength) return `must be at most ${maxPromptLength} characters`;
  if (controlCharacter.test(text)) return 'must not contain control characters';
  if (bidiOverride.test(text)) return 'must not contain bidirectional override characters';
  if (loneSurrogate.test(text)) return 'must be well-formed Unicode';
  return undefined;
}

export function isBlank(text: string): boolean {
  return text.trim() === '';
}
