import { z } from 'zod';

import type { AppConfig } from './app-config.js';
import { flag, integer } from './setting-types.js';

/** The variables of metrics and traces; a part of `envSchema`. */
export const observabilityShape = {
  METRICS_HOST: z.string().min(1).default('127.0.0.1').describe('Address to listen on for `METRICS_PORT`.'),
  METRICS_PORT: integer(0, 65535)
    .optional()
    .describe('Port of `/metrics` (Prometheus), which asks for no credential; 0 picks a free one. Default: none.'),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url()
    .optional()
    .describe(
      'Collector of traces (OTLP over HTTP); without it there are none. Other `OTEL_EXPORTER_OTLP_*` and `OTEL_RESOURCE_ATTRIBUTES` are read by the SDK.',
    ),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: z.url().optional().describe('The same, as the full address for traces.'),
  OTEL_SDK_DISABLED: flag.default(false).describe('No traces, whatever else is set.'),
  OTEL_TRACES_SAMPLER: z
    .enum([
      'always_on',
      'always_off',
      'traceidratio',
      'parentbased_always_on',
      'parentbased_always_off',
      'parentbased_traceidratio',
    ])
    .default('parentbased_always_on')
    .describe('Which requests are traced.'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe('Share of requests that a sampler by ratio takes.'),
  OTEL_BSP_SCHEDULE_DELAY: integer(1, 60_000).default(5000).describe('Milliseconds between two sendings of spans.'),
};

type ObservabilityEnv = z.infer<z.ZodObject<typeof observabilityShape>>;

export function toObservability(env: ObservabilityEnv): Pick<AppConfig, 'metrics' | 'tracing'> {
  const hasCollector =
    env.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined || env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT !== undefined;
  return {
    metrics: { host: env.METRICS_HOST, port: env.METRICS_PORT },
    tracing: {
      isEnabled: hasCollector && !env.OTEL_SDK_DISABLED,
      sampler: { name: env.OTEL_TRACES_SAMPLER, ratio: env.OTEL_TRACES_SAMPLER_ARG },
      flushEveryMs: env.OTEL_BSP_SCHEDULE_DELAY,
    },
  };
}
