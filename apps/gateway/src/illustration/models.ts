import { Injectable } from '@nestjs/common';

import { DomainError } from '../errors/domain-error.js';
import { Illustrator } from './domain/illustrator.js';
import { toModelsView, type ModelsView } from './models-view.js';

/** Tells what draws. */
@Injectable()
export class Models {
  constructor(private readonly illustrator: Illustrator) {}

  /**
   * As the worker describes itself now, else as it last did: a worker that restarts is likely to come back with the
   * same model.
   *
   * @throws DomainError `starting`, `draining`, `worker-unavailable` while nothing is known
   */
  async describe(): Promise<ModelsView> {
    const profile = await this.illustrator.describe();
    if (profile !== undefined) return toModelsView(profile);
    const availability = this.illustrator.availability();
    throw availability.isReady
      ? new DomainError('starting', 'The worker has not described itself yet.')
      : availability.error;
  }
}
