import { expect } from 'vitest';
import { z } from 'zod';

import { catalogue } from '../../apps/gateway/src/errors/catalogue.js';
import { isReason } from '../../apps/gateway/src/errors/reason-names.js';

const problem = z.strictObject({
  type: z.string(),
  title: z.string().min(1),
  status: z.number().int(),
  detail: z.string().min(1),
  instance: z.string(),
  error: z.string().refine(isReason),
  request_id: z.string().regex(/^[A-Za-z0-9._-]{1,128}$/),
  retryable: z.boolean(),
  errors: z.array(z.strictObject({ pointer: z.string(), detail: z.string().min(1) })).optional(),
});

/** Whatever fails must look like this: problem+json of RFC 9457, with status and title of the catalogue. */
export function expectProblem(reply: { status: number; headers: Headers; text: string }): z.infer<typeof problem> {
  expect(reply.headers.get('content-type')).toBe('application/problem+json');
  const body = problem.parse(JSON.parse(reply.text));
  if (!isReason(body.error)) throw new Error(`no slug of ours: ${String(body.error)}`);
  const { httpStatus, title, isRetryable } = catalogue[body.error];
  expect(body).toMatchObject({ status: httpStatus, title, retryable: isRetryable });
  expect(reply.status).toBe(httpStatus);
  expect(body.type.endsWith(`/${body.error}`)).toBe(true);
  if (httpStatus === 429 || httpStatus === 503) expect(reply.headers.get('retry-after')).toMatch(/^\d+$/);
  return body;
}
