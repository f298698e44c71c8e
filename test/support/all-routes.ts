import type { INestApplication } from '@nestjs/common';
import type { Express } from 'express';

interface Layer {
  route?: { path: string; methods: Record<string, boolean> };
}

/** Every route that the application answers, as `GET /v1/jobs/:id`; the one that catches the rest included. */
export function allRoutes(app: INestApplication): string[] {
  const express = app.getHttpAdapter().getInstance() as Express;
  const layers = express.router.stack as unknown as Layer[];
  const routes = layers.flatMap(({ route }) => (route === undefined ? [] : [route]));
  return routes
    .flatMap(({ path, methods }) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`))
    .toSorted();
}
