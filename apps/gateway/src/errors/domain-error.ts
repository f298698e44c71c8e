import type { Reason } from './reason.js';

/** One wrong place in a request, as in RFC 9457's example of `errors`. */
export interface Violation {
  /** JSON pointer (RFC 6901) into the request body, or `header:<name>`, or `query:<name>`. */
  pointer: string;
  detail: string;
}

/**
 * A failure the caller is told of. Everything thrown on purpose is one of these; HTTP and gRPC statuses are looked up
 * in `catalogue.ts` at the edge. `detail` is written for the caller: no secret, no prompt, no text of another exception.
 */
export class DomainError extends Error {
  override readonly name = 'DomainError';

  constructor(
    readonly reason: Reason,
    readonly detail: string,
    readonly options: { retryAfterSeconds?: number; violations?: Violation[]; cause?: unknown } = {},
  ) {
    super(`${reason}: ${detail}`, { cause: options.cause });
  }
}
