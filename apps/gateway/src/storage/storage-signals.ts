import { Signal } from '../observability/signal.js';

/** The object store was asked, and has answered or failed; `seconds` counts all its tries. */
export const storageCalled = new Signal<{
  /** The S3 operation: `PutObject`. */
  operation: string;
  /** `ok`, or the HTTP status as a text, or `unreachable`. A 404 and a 412 are answers like others. */
  outcome: string;
  seconds: number;
}>();
