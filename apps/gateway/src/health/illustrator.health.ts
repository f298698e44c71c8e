import { Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';

import { retryAfterSecondsOf } from '../errors/problem.js';
import { Illustrator } from '../illustration/domain/illustrator.js';

/** Can a drawing start now? Known without asking the worker: the illustrator keeps watching it. */
@Injectable()
export class IllustratorHealth {
  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly illustrator: Illustrator,
  ) {}

  check(): HealthIndicatorResult {
    const indicator = this.indicators.check('illustrator');
    const availability = this.illustrator.availability();
    if (availability.isReady) return indicator.up();
    const { error } = availability;
    return indicator.down({ message: error.detail, retry_after_seconds: retryAfterSecondsOf(error) });
  }
}
