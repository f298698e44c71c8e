import { type LoggerOptions, stdSerializers, stdTimeFunctions } from 'pino';

import type { AppConfig } from '../config/app-config.js';
import { currentRequest } from './request-context.js';

/** The form of every log line, shared with the worker: `time, level, msg, service, request_id, job_id, tenant, error`. */
export function logOptions(config: Pick<AppConfig, 'logLevel'>): LoggerOptions {
  return {
    level: config.logLevel,
    base: { service: 'gateway' },
    messageKey: 'msg',
    timestamp: stdTimeFunctions.isoTime,
    mixin: requestFields,
    formatters: {
      level: (label) => ({ level: label }),
      log: withErrorField,
    },
  };
}

function requestFields(): Record<string, string> {
  const request = currentRequest();
  if (request === undefined) {
    return {};
  }
  return {
    request_id: request.requestId,
    ...(request.jobId !== undefined && { job_id: request.jobId }),
    ...(request.caller !== undefined && { tenant: request.caller.tenant }),
  };
}

/** pino and Nest call an error `err`; in our lines it is `error`, with its type, message, stack and causes. */
function withErrorField({ err, ...rest }: Record<string, unknown>): Record<string, unknown> {
  return err === undefined ? rest : { ...rest, error: err instanceof Error ? stdSerializers.err(err) : err };
}
