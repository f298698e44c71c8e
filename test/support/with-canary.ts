import { canary } from '../../scripts/privacy/canary.mjs';

const texts = new Set(['prompt', 'negative_prompt', 'style_prompt']);

/** A request whose texts carry the word that no log may repeat. What is no text, or a blank one, stays as it is. */
export function withCanary<Body>(body: Body): Body {
  if (typeof body !== 'object' || body === null) return body;
  const marked = Object.entries(body).map(([name, value]: [string, unknown]) => [
    name,
    texts.has(name) && typeof value === 'string' && value.trim() !== '' ? `${value} ${canary}` : value,
  ]);
  return Object.fromEntries(marked) as Body;
}
