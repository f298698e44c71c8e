import { AsyncLocalStorage } from 'node:async_hooks';

import { noTracer, type OpenSpan, type SpanOptions, type Tracer } from './tracer.js';

/** One for the process, like the logger: whatever code runs, its work belongs to the trace it was called in. */
let tracer: Tracer = noTracer;
const current = new AsyncLocalStorage<string | undefined>();

/** @param other `noTracer` turns tracing off */
export function traceWith(other: Tracer): void {
  tracer = other;
}

/** The span that this code runs in; undefined: none. */
export function currentTraceparent(): string | undefined {
  return current.getStore();
}

/** Runs `work`, and everything it starts, as a part of the span of that name. */
export function runInTrace<T>(traceparent: string | undefined, work: () => T): T {
  return current.run(traceparent, work);
}

/** A span below the one that this code runs in, or below `parent`. Whoever starts it ends it. */
export function startSpan(name: string, options: SpanOptions & { parent?: string } = {}): OpenSpan {
  return tracer.start(name, options.parent ?? currentTraceparent(), options);
}

/** Runs `work` as a span of its own below the one that this code runs in. Outside of any trace it begins none. */
export async function traced<T>(name: string, work: () => Promise<T>, options?: SpanOptions): Promise<T> {
  if (currentTraceparent() === undefined) return work();
  const span = startSpan(name, options);
  try {
    const result = await runInTrace(span.traceparent, work);
    span.end();
    return result;
  } catch (error) {
    span.end({ error });
    throw error;
  }
}
