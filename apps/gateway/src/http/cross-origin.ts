import type { NestExpressApplication } from '@nestjs/platform-express';

import type { AppConfig } from '../config/app-config.js';

const requestHeaders = [
  'Authorization',
  'Content-Type',
  'Idempotency-Key',
  'Last-Event-ID',
  'Prefer',
  'X-Deadline-Seconds',
  'X-Request-Id',
];
const replyHeaders = [
  'Idempotency-Replayed',
  'Location',
  'Preference-Applied',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'Server-Timing',
  'X-Request-Id',
];

/** Lets pages of the named origins call the service. Without any no CORS header is ever sent: the default. */
export function allowOrigins(app: NestExpressApplication, cors: AppConfig['http']['cors']): void {
  if (cors === undefined) return;
  app.enableCors({
    origin: cors.origins.includes('*') ? '*' : [...cors.origins],
    credentials: cors.hasCredentials,
    methods: ['GET', 'HEAD', 'POST', 'DELETE'],
    allowedHeaders: requestHeaders,
    exposedHeaders: replyHeaders,
    maxAge: 600,
  });
}
