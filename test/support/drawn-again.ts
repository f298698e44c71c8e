import type { Evidence } from './history-checker.js';
import { groupBy } from './group-by.js';

/** A signal is written down before it is sent, and the two clocks are read by two processes. */
const slackMs = 250;

/** A picture may be drawn again only where a fault has cut the way from its drawing to its completion. */
export function findDrawnAgain({ jobs, runs, history }: Evidence): { count: number; violations: string[] } {
  const faults = history.filter((entry) => entry.type === 'fault');
  const images = new Map(jobs.map((job) => [job.job_id, job.data?.length ?? 1]));
  const violations: string[] = [];
  let count = 0;
  for (const [jobId, ofJob] of groupBy(runs, (run) => run.jobId)) {
    const finished = ofJob
      .filter((run) => run.finishedAt !== undefined)
      .toSorted((one, other) => one.startedAt - other.startedAt);
    const excess = finished.slice(images.get(jobId) ?? 1);
    if (excess.length > 0) count += 1;
    for (const [index, run] of excess.entries()) {
      const before = finished[index];
      const isCut = faults.some(
        ({ at, process }) =>
          pairOf(process) === pairOf(before?.worker ?? '') &&
          at > (before?.finishedAt ?? 0) - slackMs &&
          at < run.startedAt + slackMs,
      );
      if (!isCut) violations.push(`drawn again: ${jobId} on ${run.worker}, though no fault had cut it`);
    }
  }
  return { count, violations };
}

/** A gateway and its worker have the same number. */
function pairOf(process: string): string {
  return process.split('-')[1] ?? '';
}
