import { DomainError } from '../../errors/domain-error.js';

const visibleAscii = /^[\x21-\x7e]{1,255}$/;

/** @throws DomainError `idempotency-key-invalid` unless it is 1 to 255 visible ASCII characters */
export function toIdempotencyKey(text: string): string {
  if (visibleAscii.test(text)) return text;
  throw new DomainError('idempotency-key-invalid', 'An idempotency key is 1 to 255 visible ASCII characters.');
}
