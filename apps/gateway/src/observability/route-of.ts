import type { Request } from 'express';

/** The pattern of the address (`/v1/jobs/:id`), which names no user and no job; undefined: no route has taken it. */
export function routeOf(request: Request): string | undefined {
  const route: unknown = request.route;
  if (typeof route !== 'object' || route === null || !('path' in route)) return undefined;
  return typeof route.path === 'string' ? route.path : undefined;
}

/** Probes come every few seconds for ever: they would drown the rest. */
export function isProbe(path: string): boolean {
  return path === '/health' || path.startsWith('/health/');
}
