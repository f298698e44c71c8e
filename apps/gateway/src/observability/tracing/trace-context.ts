const pattern = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;

/** A W3C `traceparent` (https://www.w3.org/TR/trace-context/), taken apart. */
export interface TraceContext {
  traceId: string;
  spanId: string;
  flags: number;
}

/** undefined: it is none, and whoever sent it is treated as if it had sent nothing, as the standard says. */
export function readTraceparent(text: unknown): TraceContext | undefined {
  const [, traceId, spanId, flags] = (typeof text === 'string' && pattern.exec(text)) || [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  return { traceId, spanId, flags: Number.parseInt(flags, 16) };
}

/** The text where it is sound. */
export function saneTraceparent(text: unknown): string | undefined {
  return typeof text === 'string' && pattern.test(text) ? text : undefined;
}

export function toTraceparent({ traceId, spanId, flags }: TraceContext): string {
  return `00-${traceId}-${spanId}-${flags.toString(16).padStart(2, '0')}`;
}
