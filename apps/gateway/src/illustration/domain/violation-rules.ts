import type { Violation } from '../../errors/domain-error.js';

export interface Range {
  min: number;
  max: number;
}

/** @param path of the field, its parts joined by slashes: `people/1/region` */
export function violation(path: string, rule: string): Violation {
  return { pointer: `/${path}`, detail: `${path.replaceAll('/', '.')} ${rule}` };
}

export function* numberViolation(path: string, value: number, { min, max }: Range): Generator<Violation> {
  if (!isWithin(value, { min, max })) yield violation(path, `must be a number from ${min} to ${max}`);
}

export function isWithin(value: number, { min, max }: Range): boolean {
  // Also false for NaN.
  return value >= min && value <= max;
}
