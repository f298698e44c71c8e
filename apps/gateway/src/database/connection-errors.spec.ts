import { describe, expect, it } from 'vitest';

import { DomainError } from '../errors/domain-error.js';
import { toDatabaseError } from './connection-errors.js';

// Callers are told to come back when the database is away or too slow, and never for a fault of ours.

const failure = (code: string): Error => Object.assign(new Error('from the server'), { code });

describe('an error of the database', () => {
  it.each([
    ['ECONNREFUSED', 'nobody listens'],
    ['08006', 'the connection broke'],
    ['53300', 'it has too many clients'],
    ['57P01', 'it is shut down'],
    ['57014', 'a statement took longer than it may'],
    ['25P03', 'a transaction stood still for too long'],
  ])('%s is told as storage-unavailable: %s', (code) => {
    const error = failure(code);
    const told = toDatabaseError(error);
    expect(told).toBeInstanceOf(DomainError);
    expect(told).toMatchObject({ reason: 'storage-unavailable', cause: error });
  });

  it.each([
    ['23505', 'a key is there already'],
    ['42P01', 'there is no such table'],
    ['40001', 'a conflict, after every attempt'],
  ])('%s stays what it is: %s', (code) => {
    const error = failure(code);
    expect(toDatabaseError(error)).toBe(error);
  });
});
