import { toIdempotencyKey } from '../domain/idempotency-key.js';

/** A string of RFC 8941. */
const quoted = /^"((?:[^"\\]|\\["\\])*)"$/;

/**
 * The key in an `Idempotency-Key` header: in quotes as the IETF draft has it, or bare as most clients send it.
 *
 * @throws DomainError `idempotency-key-invalid`
 */
export function idempotencyKeyIn(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const text = quoted.exec(header)?.[1]?.replaceAll(/\\(["\\])/g, '$1');
  // A lone quote is the ruin of a quoted key, not a part of a bare one: no key, so that the rule refuses it.
  return toIdempotencyKey(text ?? (header.startsWith('"') ? '' : header));
}
