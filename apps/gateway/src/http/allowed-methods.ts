import type { Express } from 'express';

/** The part of a layer of Express's router that this file reads; its types keep it private. */
interface RouteLayer {
  match(path: string): boolean;
  route: { path: string; methods: Readonly<Record<string, boolean>> };
}

/** A layer without a route is a middleware. */
function isRouteLayer(layer: unknown): layer is RouteLayer {
  return (
    typeof layer === 'object' && layer !== null && 'match' in layer && 'route' in layer && layer.route !== undefined
  );
}

/**
 * The methods that some route answers at this path, upper case and sorted; empty when no route knows the path.
 * `except` is the path pattern of the route that catches everything.
 */
export function allowedMethods(express: Express, path: string, except: string): string[] {
  const stack: readonly unknown[] = express.router.stack;
  const routes = stack.filter((layer) => isRouteLayer(layer)).filter((layer) => layer.route.path !== except);
  const methods = new Set(
    routes
      .filter((layer) => matches(layer, path))
      .flatMap((layer) => Object.keys(layer.route.methods))
      .map((method) => method.toUpperCase()),
  );
  if (methods.has('GET')) {
    methods.add('HEAD');
  }
  return [...methods].toSorted();
}

/** A path that cannot be decoded matches nothing. */
function matches(layer: RouteLayer, path: string): boolean {
  try {
    return layer.match(path);
  } catch (error) {
    if (error instanceof URIError) {
      return false;
    }
    throw error;
  }
}
