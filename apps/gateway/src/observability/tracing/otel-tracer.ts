// Loaded only where tracing is on: nothing else imports OpenTelemetry.
import { ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { defaultResource, envDetector, detectResources, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';

import type { AppConfig } from '../../config/app-config.js';
import { DomainError } from '../../errors/domain-error.js';
import { serviceInfo } from '../service-info.js';
import { samplerOf } from './sampler.js';
import { readTraceparent, toTraceparent } from './trace-context.js';
import type { OpenSpan, SpanOptions, Tracer } from './tracer.js';

const kinds = { internal: SpanKind.INTERNAL, server: SpanKind.SERVER, client: SpanKind.CLIENT } as const;
const stopWithinMs = 2_000;

/** Sends spans to a collector over OTLP (HTTP, protobuf). The exporter reads `OTEL_EXPORTER_OTLP_*` by itself. */
export function makeOtelTracer({ sampler, flushEveryMs }: AppConfig['tracing']): Tracer {
  const own = resourceFromAttributes({
    'service.name': 'illustration-gateway',
    'service.version': serviceInfo.version,
  });
  const provider = new TracerProvider({
    // `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` win over our own names.
    resource: defaultResource()
      .merge(own)
      .merge(detectResources({ detectors: [envDetector] })),
    sampler: samplerOf(sampler),
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter(), scheduledDelayMillis: flushEveryMs })],
  });
  const tracer = provider.getTracer(serviceInfo.name, serviceInfo.version);
  return {
    start: (name, parent, options = {}) => openSpan(tracer.startSpan(name, spanOptions(options), contextOf(parent))),
    // A collector that does not answer must not hold the shutdown up.
    stop: () => Promise.race([provider.shutdown(), pause(stopWithinMs)]).catch(() => undefined),
  };
}

function spanOptions({ kind = 'internal', attributes, startedAt }: SpanOptions) {
  return { kind: kinds[kind], attributes, startTime: startedAt };
}

function contextOf(parent: string | undefined) {
  const read = readTraceparent(parent);
  if (read === undefined) return ROOT_CONTEXT;
  const { traceId, spanId, flags } = read;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: flags, isRemote: true });
}

function openSpan(span: Span): OpenSpan {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return {
    traceparent: toTraceparent({ traceId, spanId, flags: traceFlags }),
    rename: (name) => void span.updateName(name),
    set: (attributes) => void span.setAttributes(attributes),
    end: ({ error, at } = {}) => {
      if (error !== undefined) tellFailure(span, error);
      span.end(at);
    },
  };
}

/** Texts of exceptions stay out of traces as they stay out of replies: they may hold what people wrote. */
function tellFailure(span: Span, error: unknown): void {
  const type = error instanceof DomainError ? error.reason : error instanceof Error ? error.name : 'unknown';
  span.setAttribute('error.type', type);
  span.setStatus({ code: SpanStatusCode.ERROR, message: type });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
