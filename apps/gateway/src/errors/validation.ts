import { type ArgumentMetadata, Injectable, ValidationPipe } from '@nestjs/common';
import type { ValidationError } from 'class-validator';

import { DomainError, type Violation } from './domain-error.js';

/** A 64 kB body can hold thousands of wrong fields; nobody reads more than these. */
const MAX_VIOLATIONS = 20;

/** Levels of names and indices in the deepest body there is; anything below lies within an unknown field. */
const DEEPEST_FIELD = 4;

/**
 * Checks request bodies, queries and path parameters against their DTO classes. Unknown fields are refused, and null
 * means absent: the prototype's clients send optional fields either way.
 */
@Injectable()
export class RequestValidationPipe extends ValidationPipe {
  constructor() {
    super({
      transform: true,
      whitelist: true,
      forbidNonWhitelisted: true,
      stopAtFirstError: true,
      exceptionFactory: (errors) => toValidationFailed(errors),
    });
  }

  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    // 'custom' is what our own parameter decorators and gRPC metadata arrive as: never a caller's fields.
    if (metadata.type === 'custom') {
      return value;
    }
    refuseSilentlyDropped(value);
    return super.transform(withoutNulls(value), metadata);
  }
}

/** Nest strips these from what it validates, to be safe; here an unknown field is refused, whatever its name. */
function refuseSilentlyDropped(value: unknown): void {
  const violations = silentlyDropped(value, '', DEEPEST_FIELD);
  if (violations.length > 0) {
    throw new DomainError('validation-failed', violations.map(({ detail }) => detail).join('; '), { violations });
  }
}

function silentlyDropped(value: unknown, parent: string, levels: number): Violation[] {
  if (typeof value !== 'object' || value === null || levels === 0) return [];
  return Object.entries(value).flatMap(([name, member]) => {
    const pointer = `${parent}/${toPointerToken(name)}`;
    return ['__proto__', 'constructor', 'prototype'].includes(name)
      ? [{ pointer, detail: `${name} is not a known field` }]
      : silentlyDropped(member, pointer, levels - 1);
  });
}

function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return value;
  }
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null));
}

function toValidationFailed(errors: ValidationError[]): DomainError {
  const all = errors.flatMap((error) => toViolations(error, ''));
  const violations = all.slice(0, MAX_VIOLATIONS);
  const more = all.length > violations.length ? `; and ${all.length - violations.length} more` : '';
  return new DomainError('validation-failed', violations.map(({ detail }) => detail).join('; ') + more, { violations });
}

function toViolations(error: ValidationError, parent: string): Violation[] {
  const pointer = `${parent}/${toPointerToken(error.property)}`;
  const own = Object.entries(error.constraints ?? {}).map(([rule, message]) => ({
    pointer,
    detail: rule === 'whitelistValidation' ? `${clip(error.property)} is not a known field` : message,
  }));
  return [...own, ...(error.children ?? []).flatMap((child) => toViolations(child, pointer))];
}

/** RFC 6901: `~` and `/` are escaped. */
function toPointerToken(name: string): string {
  return clip(name).replaceAll('~', '~0').replaceAll('/', '~1');
}

/** A field's name is the caller's text: it goes back, but not at any length. */
function clip(name: string): string {
  return name.length > 100 ? `${name.slice(0, 100)}...` : name;
}
