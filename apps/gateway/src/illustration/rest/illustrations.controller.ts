import { Body, Controller, HttpCode, HttpStatus, Post, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';

import { NeedsScope } from '../../auth/scope.decorator.js';
import { AppConfig } from '../../config/app-config.js';
import { IllustrationRequest, type IllustrationKind } from '../domain/illustration-request.js';
import { ApiCallTerms } from './api-call-terms.js';
import { termsOf } from './call-terms.js';
import { DrawMemoryDto } from './dto/draw-memory.dto.js';
import { DrawSubjectDto } from './dto/draw-subject.dto.js';
import { IllustrationCalls } from './illustration-calls.js';
import { toIllustrationFields } from './illustration-fields.js';
import { ApiIllustrationProblems } from './problem-responses.js';

@ApiTags('illustrations')
@ApiIllustrationProblems()
@NeedsScope('generate')
@Controller('v1/images')
export class IllustrationsController {
  constructor(
    private readonly calls: IllustrationCalls,
    private readonly config: AppConfig,
  ) {}

  @Post('memory')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({ summary: 'Draw a memory', description: "From its text and the person's avatar." })
  @ApiCallTerms()
  drawMemory(@Body() body: DrawMemoryDto, @Req() request: Request, @Res() response: Response): Promise<void> {
    return this.draw('memory', body, { request, response });
  }

  @Post('subject')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({ summary: 'Draw a portrait', description: "From the person's subject photo." })
  @ApiCallTerms()
  drawSubject(@Body() body: DrawSubjectDto, @Req() request: Request, @Res() response: Response): Promise<void> {
    return this.draw('subject', body, { request, response });
  }

  private async draw(
    kind: IllustrationKind,
    body: DrawMemoryDto | DrawSubjectDto,
    { request, response }: { request: Request; response: Response },
  ): Promise<void> {
    const illustration = IllustrationRequest.create(kind, toIllustrationFields(body), this.config.defaults);
    const format = body.response_format ?? 's3_uri';
    await this.calls.answer(illustration, { terms: termsOf(request), format, response });
  }
}
