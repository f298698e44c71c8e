import { applyDecorators } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';

/** The error replies of a drawing, by status, each with the slugs of `error` it may carry. */
const problems: Readonly<Record<number, string>> = {
  400: '`malformed-request`, `idempotency-key-invalid`: not JSON, not readable, or a header that is wrong.',
  401: '`unauthenticated`: no bearer token, or a wrong one.',
  403: '`forbidden`: the credential has not the scope `generate`.',
  406: '`not-acceptable`: `Accept` names neither JSON nor events.',
  409: '`canceled`: somebody cancelled the job.',
  413: '`payload-too-large`: the body has more than 64 kB.',
  415: '`unsupported-media-type`: the body is not `application/json` in UTF-8.',
  422: '`validation-failed`, `avatar-not-found`, `avatar-invalid`, `lora-not-found`, `lora-invalid`, `idempotency-key-reused`: the request cannot be drawn.',
  429: '`quota-exceeded`: the tenant has used up a quota; `Retry-After` and `RateLimit` tell when there is more.',
  500: '`generation-failed`, `attempts-exhausted`, `internal`: our fault.',
  502: '`avatar-forbidden`: the object store refuses us the reference image.',
  503: '`starting`, `draining`, `worker-unavailable`, `storage-unavailable`, `queue-full`, `gpu-out-of-memory`: try again.',
  504: '`deadline-exceeded`: the picture was not ready in time; `Location` is the address of the job.',
};

/** Described once for every route, in `openapi/`. */
const schema = { $ref: '#/components/schemas/Problem' };

/** Documents the error replies of a route that draws. */
export function ApiIllustrationProblems(): ClassDecorator & MethodDecorator {
  return applyDecorators(
    ...Object.entries(problems).map(([status, description]) =>
      ApiResponse({ status: Number(status), description, content: { 'application/problem+json': { schema } } }),
    ),
  );
}
