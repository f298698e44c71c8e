import type { NextFunction, Request, RequestHandler, Response } from 'express';
import helmet from 'helmet';

const headers: RequestHandler = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      // Everything the docs page loads comes from here; Swagger UI writes style attributes and data: icons.
      scriptSrc: ["'self'"],
      styleSrc: ["'self'", "'unsafe-inline'"],
      imgSrc: ["'self'", 'data:'],
      connectSrc: ["'self'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"],
    },
  },
  // The certificate is the load balancer's, and so is the promise to keep having one.
  strictTransportSecurity: false,
});

/** Security headers of every reply. What pages of other origins may read is said in `cross-origin.ts`. */
export function securityHeaders(request: Request, response: Response, next: NextFunction): void {
  headers(request, response, (error?: unknown) => {
    if (request.path.startsWith('/images/')) {
      // A picture may be shown by another origin's page, which still cannot read its bytes.
      response.setHeader('Cross-Origin-Resource-Policy', 'cross-origin');
    }
    next(error);
  });
}
