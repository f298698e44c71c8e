import { describe, expect, it, vi } from 'vitest';

import { DomainError } from '../../errors/domain-error.js';
import type { KnownPicture } from './cached-picture.js';
import { TwinDrawings } from './twin-drawings.js';

// Who draws and who waits, when several want the same picture at the same time.

const known: KnownPicture = {
  entry: { jobId: 'first', key: 'k', sha256: 'ab', width: 1, height: 1, warnings: [] },
  png: Buffer.from('png'),
};

function follower(signal = new AbortController().signal) {
  return { signal, onWaiting: vi.fn<() => void>() };
}

/** A drawing that ends when the test says so. */
function drawing() {
  const { promise, resolve, reject } = Promise.withResolvers<{ known: KnownPicture | undefined }>();
  let tell: () => void = () => undefined;
  const draw = vi.fn<(tellTwins: () => void) => typeof promise>((tellTwins) => {
    tell = tellTwins;
    return promise;
  });
  return { draw, resolve, reject, move: () => tell() };
}

describe('twins', () => {
  it('share the drawing of the first, and see that it moves', async () => {
    const twins = new TwinDrawings();
    const [first, second] = [drawing(), drawing()];
    const waiting = follower();
    const led = twins.share('x', follower(), first.draw);
    const followed = twins.share('x', waiting, second.draw);
    expect(twins.waiting).toBe(1);
    expect(waiting.onWaiting).toHaveBeenCalledTimes(1);
    first.move();
    expect(waiting.onWaiting).toHaveBeenCalledTimes(2);
    first.resolve({ known });
    expect(await led).toEqual({ made: { known } });
    expect(await followed).toEqual({ known });
    expect(second.draw).not.toHaveBeenCalled();
    expect(twins.waiting).toBe(0);
    first.move();
    expect(waiting.onWaiting).toHaveBeenCalledTimes(2);
  });

  it('are told by their identity', async () => {
    const twins = new TwinDrawings();
    const [first, second] = [drawing(), drawing()];
    const both = [twins.share('x', follower(), first.draw), twins.share('y', follower(), second.draw)];
    expect(second.draw).toHaveBeenCalled();
    first.resolve({ known });
    second.resolve({ known });
    await Promise.all(both);
  });

  it.each([
    ['fails', (one: ReturnType<typeof drawing>) => one.reject(new Error('it failed'))],
    ['has nothing to share', (one: ReturnType<typeof drawing>) => one.resolve({ known: undefined })],
  ])('draw themselves when the first %s: one of them, and the others wait for that', async (_, end) => {
    const twins = new TwinDrawings();
    const [first, second, third] = [drawing(), drawing(), drawing()];
    const led = twins.share('x', follower(), first.draw).catch((error: Error) => error.message);
    const others = [second, third].map((one) => twins.share('x', follower(), one.draw));
    expect(twins.waiting).toBe(2);
    end(first);
    await led;
    await vi.waitFor(() => expect(second.draw).toHaveBeenCalled());
    await vi.waitFor(() => expect(twins.waiting).toBe(1));
    second.resolve({ known });
    expect(await Promise.all(others)).toEqual([{ made: { known } }, { known }]);
    expect(third.draw).not.toHaveBeenCalled();
  });

  it('that are wanted no more stop waiting, and the drawing goes on', async () => {
    const twins = new TwinDrawings();
    const first = drawing();
    const gone = new AbortController();
    const led = twins.share('x', follower(), first.draw);
    const followed = twins.share('x', follower(gone.signal), drawing().draw);
    const why = new DomainError('canceled', 'The request was cancelled.');
    gone.abort(why);
    await expect(followed).rejects.toBe(why);
    expect(twins.waiting).toBe(0);
    first.resolve({ known });
    expect(await led).toEqual({ made: { known } });
  });

  it('tell when one more or less of them waits', async () => {
    const twins = new TwinDrawings();
    const seen: number[] = [];
    const stop = twins.onChange(() => seen.push(twins.waiting));
    const first = drawing();
    const both = [twins.share('x', follower(), first.draw), twins.share('x', follower(), drawing().draw)];
    first.resolve({ known });
    await Promise.all(both);
    expect(seen).toEqual([1, 0]);
    stop();
    await twins.share('x', follower(), async () => ({ known }));
    expect(seen).toHaveLength(2);
  });
});
