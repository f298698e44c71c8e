import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves with what the condition gives as soon as that is true; fails after `limitMs`. */
export async function untilTrue<T>(
  what: string,
  limitMs: number,
  condition: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const giveUpAt = Date.now() + limitMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > giveUpAt) throw new Error(`it did not happen within ${limitMs / 1000} s: ${what}`);
    await sleep(20);
  }
}
