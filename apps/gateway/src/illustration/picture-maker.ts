import { setTimeout as delay } from 'node:timers/promises';

import { Injectable } from '@nestjs/common';

import { Illustrator } from './domain/illustrator.js';
import { DrawingDesk } from './drawing-desk.js';
import type { MadePicture } from './made-picture.js';
import { PictureDrawing, type Made, type MakeOptions, type Order } from './picture-drawing.js';
import { resultLookedUp } from './result-cache/cache-signals.js';
import type { KnownPicture } from './result-cache/cached-picture.js';
import { pictureIdentity } from './result-cache/picture-identity.js';
import { ResultCache } from './result-cache/result-cache.js';
import { TwinDrawings } from './result-cache/twin-drawings.js';
import { Results } from './results.js';

/** Whether another instance has drawn what is waited for. */
const lookAgainMs = 250;

/**
 * Makes one picture of a job: draws it, or copies the same picture that another job has drawn or is drawing. Either way
 * the job has an object of its own, under its own key.
 */
@Injectable()
export class PictureMaker {
  constructor(
    private readonly illustrator: Illustrator,
    private readonly desk: DrawingDesk,
    private readonly drawing: PictureDrawing,
    private readonly results: Results,
    private readonly cache: ResultCache,
    private readonly twins: TwinDrawings,
  ) {}

  /** @throws DomainError as `DrawingDesk.draw` and `Results.keep` */
  async make(order: Order, options: MakeOptions): Promise<MadePicture> {
    const identity = this.identityOf(order, options);
    if (identity === undefined) return (await this.drawing.draw(order, options)).made;
    if (order.isFreshWanted) {
      resultLookedUp.send({ outcome: 'bypassed' });
      return (await this.drawAndRemember(identity, order, options)).made;
    }
    const { signal, onWaiting } = options;
    const shared = await this.twins.share(identity, { signal, onWaiting }, (tellTwins) =>
      this.findOrDraw(identity, order, watchedBy(tellTwins, options)),
    );
    if ('made' in shared) return shared.made.made;
    resultLookedUp.send({ outcome: 'shared' });
    return this.drawing.copy(shared.known, order, signal);
  }

  /** undefined: the picture is not one that is remembered. Without a seed of the caller's every drawing is another. */
  private identityOf({ job, request, image }: Order, options: MakeOptions): string | undefined {
    const profile = this.illustrator.profile();
    if (!this.cache.isOn || request.seed === undefined || profile === undefined) return undefined;
    const task = this.desk.toTask(job, request, image, options);
    return pictureIdentity({ tenant: job.tenant, userId: request.userId, task, versions: options.versions, profile });
  }

  /** Waits while another instance draws it: the claim is asked for first, so that what its owner remembers is seen. */
  private async findOrDraw(identity: string, order: Order, options: MakeOptions): Promise<Made> {
    for (let hasWaited = false; ; hasWaited = true) {
      const claim = await this.cache.claim(identity);
      try {
        const found = await this.find(identity, options.signal);
        if (typeof found !== 'string') {
          resultLookedUp.send({ outcome: hasWaited ? 'shared' : 'hit' });
          return { made: await this.drawing.copy(found, order, options.signal), known: found };
        }
        if (claim !== undefined) {
          resultLookedUp.send({ outcome: found });
          return await this.drawAndRemember(identity, order, options);
        }
      } finally {
        await claim?.release();
      }
      options.onWaiting();
      await this.twins.whileWaiting(() => pause(options.signal));
    }
  }

  private async find(
    identity: string,
    signal: AbortSignal,
  ): Promise<KnownPicture | 'miss' | 'unavailable' | 'vanished'> {
    const entry = await this.cache.find(identity);
    if (entry === 'miss' || entry === 'unavailable') return entry;
    const png = await this.results.readIfWhole(entry, signal);
    if (png !== undefined) return { entry, png };
    await this.cache.forget(identity);
    return 'vanished';
  }

  private async drawAndRemember(identity: string, order: Order, options: MakeOptions): Promise<Made> {
    const drawn = await this.drawing.draw(order, options);
    // Another worker may have come meanwhile: then nobody knows which of the two drew it.
    if (drawn.known === undefined || this.identityOf(order, options) !== identity)
      return { ...drawn, known: undefined };
    await this.cache.remember(identity, drawn.known.entry);
    return drawn;
  }
}

async function pause(signal: AbortSignal): Promise<void> {
  await delay(lookAgainMs, undefined, { signal }).catch(() => signal.throwIfAborted());
}

/** Who waits for the picture sees that its drawing moves. */
function watchedBy(tellTwins: () => void, options: MakeOptions): MakeOptions {
  const { onProgress, onWaiting } = options;
  return {
    ...options,
    onProgress: (progress) => {
      onProgress(progress);
      tellTwins();
    },
    onWaiting: () => {
      onWaiting();
      tellTwins();
    },
  };
}
