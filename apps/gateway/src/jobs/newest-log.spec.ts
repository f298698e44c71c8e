import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { JobProgress } from './domain/job.js';
import { NewestLog } from './newest-log.js';

// How often progress is written: with a clock of the test's own.
const step = (number: number): JobProgress => ({ step: number, total: 50, image: 1, images: 1 });

let written: number[];
let log: NewestLog<JobProgress>;
const write = (progress: JobProgress): Promise<void> => {
  written.push(progress.step);
  return Promise.resolve();
};

beforeEach(() => {
  vi.useFakeTimers();
  written = [];
  log = new NewestLog(write, (error) => expect.fail(String(error)));
});
afterEach(() => {
  vi.useRealTimers();
});

it('writes the first at once, then the newest of each quarter of a second, and the last always', async () => {
  for (let number = 1; number <= 50; number += 1) {
    log.report(step(number));
    await vi.advanceTimersByTimeAsync(30);
  }
  await log.flush();

  expect(written[0]).toBe(1);
  expect(written.at(-1)).toBe(50);
  expect(written).toEqual(written.toSorted((one, other) => one - other));
  // 50 steps take 1.5 s: six quarters, the first and the last.
  expect(written.length).toBeLessThanOrEqual(8);
  expect(written.length).toBeGreaterThanOrEqual(6);
});

it('writes nothing after the flush', async () => {
  log.report(step(1));
  log.report(step(2));
  await log.flush();
  await vi.advanceTimersByTimeAsync(1000);
  expect(written).toEqual([1, 2]);
});

it('flushes what came while a slow write was going on', async () => {
  const slow = new NewestLog<JobProgress>(
    async (progress) => {
      await new Promise((resolve) => setTimeout(resolve, 400));
      await write(progress);
    },
    (error) => expect.fail(String(error)),
  );
  slow.report(step(1));
  await vi.advanceTimersByTimeAsync(300);
  slow.report(step(2));
  const flushed = slow.flush();
  await vi.advanceTimersByTimeAsync(150);
  expect(written).toEqual([1]);
  await vi.advanceTimersByTimeAsync(400);
  await flushed;
  expect(written).toEqual([1, 2]);
});

it('goes on after a write that failed, and tells of it', async () => {
  const troubles: unknown[] = [];
  const failing = new NewestLog<JobProgress>(
    ({ step: number }) => (number === 1 ? Promise.reject(new Error('no database')) : write(step(number))),
    (error) => troubles.push(error),
  );
  failing.report(step(1));
  await vi.advanceTimersByTimeAsync(300);
  failing.report(step(2));
  await failing.flush();
  expect(troubles).toHaveLength(1);
  expect(written).toEqual([2]);
});
