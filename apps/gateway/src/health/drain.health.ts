import { Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';

import { Drain } from '../http/drain.js';

/** Down from the moment the service is told to stop. */
@Injectable()
export class DrainHealth {
  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly drain: Drain,
  ) {}

  check(): HealthIndicatorResult {
    const indicator = this.indicators.check('lifecycle');
    return this.drain.isDraining ? indicator.down({ message: 'The service is shutting down.' }) : indicator.up();
  }
}
