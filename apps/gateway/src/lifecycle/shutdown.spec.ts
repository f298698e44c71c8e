import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { Shutdown } from './shutdown.js';

const shutdownWithin = (graceMs: number): Shutdown => new Shutdown({ shutdown: { graceMs, delayMs: 0 } });

describe('the clock of a shutdown', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it.each([
    { graceMs: 120_000, workMs: 113_000 },
    { graceMs: 8000, workMs: 4000 },
    { graceMs: 2, workMs: 1 },
  ])('gives $workMs ms of $graceMs to the work, the rest to handing back', ({ graceMs, workMs }) => {
    const shutdown = shutdownWithin(graceMs);
    expect(shutdown.workMs).toBe(workMs);
    shutdown.begin();
    vi.advanceTimersByTime(workMs - 1);
    expect(shutdown.late.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    expect(shutdown.late.aborted).toBe(true);
  });

  it('runs once, from its beginning', () => {
    const shutdown = shutdownWithin(10_000);
    vi.advanceTimersByTime(60_000);
    expect(shutdown.hasBegun).toBe(false);
    expect(shutdown.late.aborted).toBe(false);
    shutdown.begin();
    vi.advanceTimersByTime(4000);
    shutdown.begin();
    expect(shutdown.hasBegun).toBe(true);
    expect(shutdown.leftMs).toBe(6000);
    vi.advanceTimersByTime(60_000);
    expect(shutdown.leftMs).toBe(0);
  });
});
