export type Attributes = Record<string, string | number | boolean>;

export interface SpanOptions {
  /** `internal`: work of this process. */
  kind?: 'internal' | 'server' | 'client';
  attributes?: Attributes;
  /** For what is told afterwards; now, if absent. */
  startedAt?: Date;
}

/** A piece of a trace that has begun. */
export interface OpenSpan {
  /** What work below it names as its parent; undefined: there is no trace. */
  readonly traceparent: string | undefined;
  rename(name: string): void;
  set(attributes: Attributes): void;
  /** @param outcome.error what it failed with; absent: it did not */
  end(outcome?: { error?: unknown; at?: Date }): void;
}

export interface Tracer {
  /** @param parent traceparent of what it is a part of; undefined: it begins a trace */
  start(name: string, parent: string | undefined, options?: SpanOptions): OpenSpan;
  /** Sends what was not sent yet. */
  stop(): Promise<void>;
}

/** Makes no spans; what comes with a call is passed on to whatever is called for it. */
export const noTracer: Tracer = {
  start: (_name, parent) => ({
    traceparent: parent,
    rename: () => undefined,
    set: () => undefined,
    end: () => undefined,
  }),
  stop: () => Promise.resolve(),
};
