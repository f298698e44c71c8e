// The figures that a fault run prints are those of its history and its workers' logs.
import { describe, expect, it } from 'vitest';
import type { HistoryEntry } from '../support/fault-history.js';
import { dispatchesMs, percentile, redispatches } from '../support/fault-figures.js';
import type { LogLine } from '../support/running-service.js';
import { runsIn } from '../support/worker-runs.js';

const line = (second: number, msg: string, jobId?: string): LogLine => ({
  time: new Date(second * 1000).toISOString(),
  level: 'info',
  msg,
  service: 'worker',
  ...(jobId !== undefined && { job_id: jobId }),
});

describe('runs in a log', () => {
  it('are finished, abandoned, or cut without a word', () => {
    const lines = [
      line(1, 'job started', 'a'),
      line(2, 'job finished', 'a'),
      line(3, 'job started', 'b'),
      line(4, 'ready'),
      line(5, 'job started', 'b'),
      line(6, 'call ended early', 'b'),
    ];
    expect(runsIn('worker-0', lines)).toEqual([
      { jobId: 'a', worker: 'worker-0', startedAt: 1000, finishedAt: 2000 },
      { jobId: 'b', worker: 'worker-0', startedAt: 3000 },
      { jobId: 'b', worker: 'worker-0', startedAt: 5000, abandonedAt: 6000 },
    ]);
  });
});

describe('figures', () => {
  const kill = (process: string, at: number): HistoryEntry => ({ type: 'fault', at, process, signal: 'SIGKILL' });
  const runs = [
    { jobId: 'a', worker: 'worker-0', startedAt: 1000, abandonedAt: 1520 },
    { jobId: 'a', worker: 'worker-1', startedAt: 4000, finishedAt: 5000 },
    { jobId: 'b', worker: 'worker-1', startedAt: 1000, finishedAt: 2000 },
  ];

  it('count a re-dispatch from the kill that cut the run', () => {
    const history = [kill('gateway-1', 1400), kill('gateway-0', 1500), kill('worker-0', 3000)];
    expect(redispatches(history, runs)).toEqual([{ ms: 2500, isUndisturbed: false }]);
    expect(redispatches(history.slice(0, 2), runs)).toEqual([{ ms: 2500, isUndisturbed: true }]);
  });

  it('count a dispatch from the first acceptance', () => {
    const accepted = { type: 'accepted', key: 'k', jobId: 'a', latencyMs: 5 } as const;
    const history: HistoryEntry[] = [
      { ...accepted, at: 900, isReplay: false },
      { ...accepted, at: 3000, isReplay: true },
    ];
    expect(dispatchesMs(history, runs)).toEqual([100]);
  });

  it('take a percentile by rank', () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect([percentile(values, 0.5), percentile(values, 0.99), percentile([7], 0.99)]).toEqual([50, 99, 7]);
    expect(percentile([], 0.5)).toBeNaN();
  });
});
