import { Controller, Get, Header } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';

import { Public } from '../auth/public.decorator.js';
import { AppConfig } from '../config/app-config.js';
import { serviceInfo } from '../observability/service-info.js';
import { ServiceReply } from './health.dto.js';

/** Names the service. An older client takes any 200 from here for its health check. */
@ApiTags('health')
@Public()
@Controller()
export class RootController {
  constructor(private readonly config: AppConfig) {}

  @Get()
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'What service is this?', security: [] })
  @ApiOkResponse({ type: ServiceReply })
  name(): ServiceReply {
    return {
      service: serviceInfo.name,
      version: serviceInfo.version,
      ...(this.config.http.isDocsEnabled && { docs: '/docs' }),
      health: '/health',
    };
  }
}
