import { type INestApplication, Injectable } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';

import { serviceInfo } from '../observability/service-info.js';
import { ProblemReply } from './problem.dto.js';

/** The OpenAPI description of the routes, made when it is first asked for. */
@Injectable()
export class OpenApiDocument {
  private app: INestApplication | undefined;
  private document: OpenAPIObject | undefined;

  /** The routes are the application's, which no provider can have injected. */
  describe(app: INestApplication): void {
    this.app = app;
  }

  get(): OpenAPIObject {
    if (this.app === undefined) {
      throw new Error('describe() was not called');
    }
    this.document ??= withProblemReplies(
      SwaggerModule.createDocument(this.app, header(), { extraModels: [ProblemReply] }),
    );
    return this.document;
  }
}

function header() {
  return new DocumentBuilder()
    .setTitle('AutoBio illustration service')
    .setDescription(serviceInfo.description)
    .setVersion(serviceInfo.version)
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'Needed when the service runs with AUTH_ENABLED.' })
    .addSecurityRequirements('bearer')
    .build();
}

/** Every failure of every operation has one shape; written here once instead of at every route. */
function withProblemReplies(document: OpenAPIObject): OpenAPIObject {
  const problem = {
    description: 'The request failed: `error` says why.',
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
  for (const item of Object.values(document.paths)) {
    for (const operation of [item.get, item.post, item.put, item.patch, item.delete]) {
      if (operation !== undefined) {
        operation.responses['default'] ??= problem;
      }
    }
  }
  return document;
}
