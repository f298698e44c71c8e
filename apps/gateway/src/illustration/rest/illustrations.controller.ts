import { Body, Controller, HttpCode, HttpStatus, Post, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { randomUUID } from 'node:crypto';

import { AppConfig } from '../../config/app-config.js';
import { currentRequest } from '../../observability/request-context.js';
import { IllustrationRequest, type IllustrationKind } from '../domain/illustration-request.js';
import { IllustrationService } from '../illustration.service.js';
import { clientPresence } from './client-presence.js';
import { DrawMemoryDto } from './dto/draw-memory.dto.js';
import { DrawSubjectDto } from './dto/draw-subject.dto.js';
import { IllustrationsDto } from './dto/illustrations.dto.js';
import { toIllustrationFields } from './illustration-fields.js';
import { ApiIllustrationProblems } from './problem-responses.js';

@ApiTags('illustrations')
@ApiIllustrationProblems()
@Controller('v1/images')
export class IllustrationsController {
  constructor(
    private readonly service: IllustrationService,
    private readonly config: AppConfig,
  ) {}

  @Post('memory')
  // The prototype's callers compare with 200, and nothing is created under the address posted to.
  @HttpCode(HttpStatus.OK)
  @ApiOperation({ summary: 'Draw a memory', description: "From its text and the person's avatar. Waits for the PNG." })
  @ApiOkResponse({ type: IllustrationsDto })
  drawMemory(@Body() body: DrawMemoryDto, @Res({ passthrough: true }) response: Response): Promise<IllustrationsDto> {
    return this.draw('memory', body, response);
  }

  @Post('subject')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({ summary: 'Draw a portrait', description: "From the person's subject photo. Waits for the PNG." })
  @ApiOkResponse({ type: IllustrationsDto })
  drawSubject(@Body() body: DrawSubjectDto, @Res({ passthrough: true }) response: Response): Promise<IllustrationsDto> {
    return this.draw('subject', body, response);
  }

  private async draw(
    kind: IllustrationKind,
    body: DrawMemoryDto | DrawSubjectDto,
    response: Response,
  ): Promise<IllustrationsDto> {
    const signal = clientPresence(response);
    const request = IllustrationRequest.create(kind, toIllustrationFields(body), this.config.defaults);
    const requestId = currentRequest()?.requestId ?? randomUUID();
    return IllustrationsDto.of(await this.service.draw(request, { requestId, signal }));
  }
}
