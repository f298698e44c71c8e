import type { LogLine } from './running-service.js';

/** One picture that a worker began to draw. Times in milliseconds since 1970. */
export interface WorkerRun {
  jobId: string;
  /** `worker-0`, `worker-1`, ... */
  worker: string;
  startedAt: number;
  /** The picture was drawn. */
  finishedAt?: number;
  /** The run ended without a picture, and the worker could tell. */
  abandonedAt?: number;
}

/** Reads runs from a worker's log: `job started`, then `job finished`, `call ended early`, or nothing after a kill. */
export function runsIn(worker: string, lines: readonly LogLine[]): WorkerRun[] {
  const runs: WorkerRun[] = [];
  const open = new Map<string, WorkerRun>();
  for (const { msg, job_id: jobId, time } of lines) {
    if (jobId === undefined) continue;
    const at = Date.parse(time);
    if (msg === 'job started') {
      const run = { jobId, worker, startedAt: at };
      runs.push(run);
      open.set(jobId, run);
      continue;
    }
    const run = open.get(jobId);
    if (run === undefined) continue;
    if (msg === 'job finished') run.finishedAt = at;
    else if (msg === 'call ended early') run.abandonedAt = at;
    else continue;
    open.delete(jobId);
  }
  return runs;
}
