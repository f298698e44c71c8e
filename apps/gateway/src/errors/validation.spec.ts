import { IsInt, IsOptional, IsString, Max } from 'class-validator';
import { describe, expect, it } from 'vitest';

import { DomainError } from './domain-error.js';
import { RequestValidationPipe } from './validation.js';

class Order {
  @IsString()
  user_id: string;

  @IsOptional()
  @IsInt()
  @Max(150)
  steps?: number;
}

const pipe = new RequestValidationPipe();
const asBody = { type: 'body', metatype: Order } as const;

async function refusalOf(body: unknown): Promise<DomainError> {
  const error: unknown = await pipe.transform(body, asBody).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof DomainError) {
    return error;
  }
  throw new Error('the body was not refused', { cause: error });
}

describe('RequestValidationPipe', () => {
  it('makes the DTO, null being absent', async () => {
    const order = await pipe.transform({ user_id: 'u', steps: null }, asBody);
    expect(order).toBeInstanceOf(Order);
    expect(order).toEqual({ user_id: 'u' });
  });

  it('names every wrong field by its pointer', async () => {
    const error = await refusalOf({ user_id: null, steps: 151, 'a/b~c': 1 });
    expect(error.reason).toBe('validation-failed');
    expect(error.options.violations).toEqual([
      { pointer: '/a~1b~0c', detail: 'a/b~c is not a known field' },
      { pointer: '/user_id', detail: 'user_id must be a string' },
      { pointer: '/steps', detail: 'steps must not be greater than 150' },
    ]);
    expect(error.detail).toBe(
      'a/b~c is not a known field; user_id must be a string; steps must not be greater than 150',
    );
  });

  it('does not answer a flood of wrong fields with a flood', async () => {
    const fields = Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`field${i}`, 1]));
    const error = await refusalOf({ user_id: 'u', ...fields, ['x'.repeat(5000)]: 1 });
    expect(error.options.violations).toHaveLength(20);
    expect(error.detail).toMatch(/; and 2981 more$/);
    expect(error.detail.length).toBeLessThan(3000);
  });

  it('refuses names that would be dropped silently, wherever they are', async () => {
    const body = JSON.parse('{"user_id": "u", "steps": [{"a": {"__proto__": 1}}, 2], "constructor": 1}');
    const error = await refusalOf(body);
    expect(error.options.violations?.map(({ pointer }) => pointer)).toEqual(['/steps/0/a/__proto__', '/constructor']);
  });

  it('leaves what is not from a caller alone', async () => {
    const metadata = { anything: null };
    expect(await pipe.transform(metadata, { type: 'custom', metatype: Order })).toBe(metadata);
  });
});
