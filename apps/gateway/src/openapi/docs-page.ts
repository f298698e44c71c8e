import { createRequire } from 'node:module';
import { dirname } from 'node:path';

/** Swagger UI comes with @nestjs/swagger, so it is looked for from there. Served from here: the page works offline. */
const fromSwagger = createRequire(import.meta.resolve('@nestjs/swagger'));

/** Folder of Swagger UI's files. */
export const swaggerUiFolder = dirname(fromSwagger.resolve('swagger-ui-dist/package.json'));

/** The files of that folder which the page loads. Nothing else of it is served. */
export const swaggerUiFiles: ReadonlySet<string> = new Set([
  'swagger-ui.css',
  'swagger-ui-bundle.js',
  'favicon-16x16.png',
  'favicon-32x32.png',
]);

// Own page instead of SwaggerModule's: that one has inline scripts, which our content security policy forbids, and is
// mounted beside the routes, where the guards and the access log do not see it.
export const docsPage = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>AutoBio illustration service</title>
    <link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
    <link rel="stylesheet" href="/docs/swagger-ui.css">
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`;

export const startScript = `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  validatorUrl: null,
});
`;
