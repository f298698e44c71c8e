import { Controller, Get, Header, Param, Res, UseGuards } from '@nestjs/common';
import { ApiExcludeController, type OpenAPIObject } from '@nestjs/swagger';
import type { Response } from 'express';

import { anyScope, NeedsScope } from '../auth/scope.decorator.js';
import { DomainError } from '../errors/domain-error.js';
import { docsPage, startScript, swaggerUiFiles, swaggerUiFolder } from './docs-page.js';
import { DocsSwitchGuard } from './docs-switch.guard.js';
import { OpenApiDocument } from './openapi-document.js';

@ApiExcludeController()
@NeedsScope(anyScope)
@UseGuards(DocsSwitchGuard)
@Controller()
export class DocsController {
  constructor(private readonly openApi: OpenApiDocument) {}

  @Get('openapi.json')
  @Header('Cache-Control', 'no-cache')
  document(): OpenAPIObject {
    return this.openApi.get();
  }

  @Get('docs')
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Header('Cache-Control', 'no-cache')
  page(): string {
    return docsPage;
  }

  @Get('docs/start.js')
  @Header('Content-Type', 'text/javascript; charset=utf-8')
  start(): string {
    return startScript;
  }

  @Get('docs/:file')
  async asset(@Param('file') file: string, @Res() response: Response): Promise<void> {
    if (!swaggerUiFiles.has(file)) {
      throw new DomainError('not-found', 'There is nothing under this address.');
    }
    await new Promise<void>((resolve, reject) => {
      response.sendFile(file, { root: swaggerUiFolder, maxAge: '1h' }, (error) => {
        // A reader that left while the file went out is no failure of ours.
        if (error === undefined || error === null || response.destroyed) {
          resolve();
        } else {
          reject(error);
        }
      });
    });
  }
}
