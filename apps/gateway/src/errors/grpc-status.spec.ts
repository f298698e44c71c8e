import { status as grpcStatus } from '@grpc/grpc-js';
import { lastValueFrom } from 'rxjs';
import { Logger } from '@nestjs/common';
import { beforeAll, describe, expect, it } from 'vitest';

import { detailsOf } from '../../../../test/support/grpc-calls.js';
import { catalogue } from './catalogue.js';
import { DomainError } from './domain-error.js';
import { GrpcStatusFilter } from './grpc-status.filter.js';
import { toGrpcStatus } from './grpc-status.js';
import { isReason, toWireReason } from './reason-names.js';

beforeAll(() => Logger.overrideLogger(false));

describe('the gRPC status of an error', () => {
  it.each(Object.keys(catalogue).filter(isReason))('carries %s by name', (reason) => {
    const status = toGrpcStatus(new DomainError(reason, 'said to the caller'));
    expect(status.code).toBe(catalogue[reason].grpcStatus ?? grpcStatus.INTERNAL);
    expect(status.details).toBe('said to the caller');
    expect(detailsOf(status)).toEqual({ reason: toWireReason(reason), domain: 'illustration.autobio', fields: [] });
  });

  it('names wrong fields without the slash of their pointers', () => {
    const violations = [
      { pointer: '/n', detail: 'n is wrong' },
      { pointer: 'header:x', detail: 'x is wrong' },
    ];
    const status = toGrpcStatus(new DomainError('validation-failed', 'wrong', { violations }));
    expect(detailsOf(status).fields).toEqual(['n', 'header:x']);
  });
});

describe('the filter', () => {
  const statusOf = (thrown: unknown): Promise<unknown> =>
    lastValueFrom(new GrpcStatusFilter().catch(thrown)).catch((error: unknown) => error);

  it('answers what was thrown on purpose as it is', async () => {
    expect(await statusOf(new DomainError('not-found', 'There is no such job.'))).toMatchObject({
      code: grpcStatus.NOT_FOUND,
      details: 'There is no such job.',
    });
  });

  it.each([new Error('a secret text'), 'a secret text', { code: 5, details: 'a secret text' }])(
    'says nothing of what was not: %s',
    async (thrown) => {
      const status = await statusOf(thrown);
      expect(status).toMatchObject({ code: grpcStatus.INTERNAL });
      expect(JSON.stringify(status)).not.toContain('secret');
    },
  );
});
