import { Controller, Get, Header } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';

import { NeedsScope } from '../../auth/scope.decorator.js';

import { Models } from '../models.js';
import { ModelsDto } from './dto/models.dto.js';

@ApiTags('models')
@NeedsScope('read')
@Controller('v1/models')
export class ModelsController {
  constructor(private readonly models: Models) {}

  @Get()
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'What draws, and what may be asked of it' })
  @ApiOkResponse({ type: ModelsDto })
  describe(): Promise<ModelsDto> {
    return this.models.describe();
  }
}
