import type { DynamicModule, NestApplicationOptions, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Logger } from 'nestjs-pino';

import { accessLogMiddleware } from '../observability/access-log.middleware.js';
import { requestIdMiddleware } from '../observability/request-id.middleware.js';
import { traceMiddleware } from '../observability/tracing/trace.middleware.js';
import { OpenApiDocument } from '../openapi/openapi-document.js';
import { AppConfig } from '../config/app-config.js';
import { allowOrigins } from './cross-origin.js';
import { Drain } from './drain.js';
import { GatewayHttpAdapter } from './http-adapter.js';
import { ServiceLogger } from '../observability/service-logger.js';
import { requireHost } from './require-host.js';
import { securityHeaders } from './security-headers.js';

/** Bodies are read by `BodyInterceptor`; log lines wait for the real logger; a failed boot is told by `main.ts` alone. */
const options: NestApplicationOptions = {
  bodyParser: false,
  bufferLogs: true,
  autoFlushLogs: false,
  abortOnError: false,
};

/** The application as it is served, for `main.ts` and for tests. It does not listen yet. */
export async function createApp(root: Type | DynamicModule): Promise<NestExpressApplication> {
  const adapter = new GatewayHttpAdapter();
  const app = await NestFactory.create<NestExpressApplication>(root, adapter, options);
  app.useLogger(new ServiceLogger(app.get(Logger)));
  app.flushLogs();
  app.set('etag', false);
  app.use(requestIdMiddleware, traceMiddleware, accessLogMiddleware, securityHeaders, requireHost);
  allowOrigins(app, app.get(AppConfig).http.cors);
  const drain = app.get(Drain);
  drain.watch(app.getHttpServer());
  adapter.drainWith(() => drain.run());
  app.get(OpenApiDocument).describe(app);
  await app.init();
  return app;
}
