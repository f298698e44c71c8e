import { Injectable } from '@nestjs/common';

import { DomainError } from '../errors/domain-error.js';
import { Illustrator, type Drawing, type DrawingTask } from './domain/illustrator.js';

/** Gives a task to the illustrator and waits for its picture. */
@Injectable()
export class Dispatch {
  constructor(private readonly illustrator: Illustrator) {}

  /** @throws DomainError `starting`, `draining` or `worker-unavailable` when no drawing could start now. */
  admit(): void {
    const availability = this.illustrator.availability();
    if (!availability.isReady) throw availability.error;
  }

  async draw(task: DrawingTask, options: { signal: AbortSignal; deadline: Date }): Promise<Drawing> {
    let drawing: Drawing | undefined;
    for await (const event of this.illustrator.draw(task, options)) {
      if (event.type === 'finished') drawing = event.drawing;
    }
    if (drawing === undefined) throw new DomainError('generation-failed', 'The drawing ended without a picture.');
    return drawing;
  }
}
