import { Controller, Get, Header, HttpStatus, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiServiceUnavailableResponse, ApiTags } from '@nestjs/swagger';
import type { HealthCheckResult } from '@nestjs/terminus';
import type { Response } from 'express';

import { Public } from '../auth/public.decorator.js';
import { HealthReply, ProbeReply } from './health.dto.js';
import { ReadinessChecks, type Readiness } from './readiness.js';

const READY_MESSAGE = 'Image generation service is ready';

/** What load balancers, kubelets and the AutoBio backend ask. Never needs a credential. */
@ApiTags('health')
@Public()
@Controller('health')
export class HealthController {
  constructor(private readonly readiness: ReadinessChecks) {}

  @Get()
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Could a generation start now?', security: [] })
  @ApiOkResponse({ type: HealthReply })
  @ApiServiceUnavailableResponse({ type: HealthReply })
  async health(@Res({ passthrough: true }) response: Response): Promise<HealthReply> {
    const readiness = await this.readiness.canGenerate();
    setStatus(response, readiness);
    const { isReady, why = 'Image generation service is not ready' } = readiness;
    return isReady ? { status: 'healthy', message: READY_MESSAGE } : { status: 'unhealthy', message: why };
  }

  @Get('live')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Does the process answer? Never looks at worker or object store.', security: [] })
  @ApiOkResponse({ type: ProbeReply })
  live(): ProbeReply {
    return { status: 'ok' };
  }

  @Get('startup')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Has the process started? The listener opens only after it has.', security: [] })
  @ApiOkResponse({ type: ProbeReply })
  startup(): ProbeReply {
    return { status: 'ok' };
  }

  @Get('ready')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Should a load balancer send requests here?', security: [] })
  @ApiOkResponse({ type: ProbeReply })
  @ApiServiceUnavailableResponse({ type: ProbeReply })
  async ready(@Res({ passthrough: true }) response: Response): Promise<HealthCheckResult> {
    const readiness = await this.readiness.takesTraffic();
    setStatus(response, readiness);
    return readiness.report;
  }
}

function setStatus(response: Response, { isReady, retryAfterSeconds }: Readiness): void {
  response.status(isReady ? HttpStatus.OK : HttpStatus.SERVICE_UNAVAILABLE);
  if (!isReady) response.setHeader('Retry-After', String(retryAfterSeconds));
}
