import { type LoggerOptions, stdSerializers, stdTimeFunctions } from 'pino';

import type { AppConfig } from '../config/app-config.js';
import { currentRequest } from './request-context.js';
import { readTraceparent } from './tracing/trace-context.js';
import { currentTraceparent } from './tracing/traced.js';

/** The form of every log line, shared with the worker: `docs/schemas/log-line.schema.json`. */
export function logOptions(config: Pick<AppConfig, 'logLevel'>): LoggerOptions {
  return {
    level: config.logLevel,
    base: { service: 'gateway' },
    messageKey: 'msg',
    timestamp: stdTimeFunctions.isoTime,
    mixin: idFields,
    formatters: {
      level: (label) => ({ level: label }),
      log: withErrorField,
    },
  };
}

/** Whose work the line tells of. A member that is undefined is left out by pino. */
function idFields(): Record<string, string | number | undefined> {
  const { requestId, jobId, caller, tenant = caller?.tenant, attempt } = currentRequest() ?? {};
  const trace = readTraceparent(currentTraceparent());
  return { request_id: requestId, job_id: jobId, trace_id: trace?.traceId, tenant, attempt };
}

/** pino and Nest call an error `err`; in our lines it is `error`, with its type, message, stack and causes. */
function withErrorField({ err, ...rest }: Record<string, unknown>): Record<string, unknown> {
  return err === undefined ? rest : { ...rest, error: err instanceof Error ? stdSerializers.err(err) : err };
}
