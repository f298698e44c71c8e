import type { HistoryEntry } from './fault-history.js';
import type { Evidence } from './history-checker.js';
import { groupBy } from './group-by.js';
import type { WorkerRun } from './worker-runs.js';

/** A signal is written down before it is sent, and the two clocks are read by two processes. */
const slackMs = 250;

/** While it lasts, nothing passes through the process. */
interface Outage {
  process: string;
  from: number;
  until: number;
}

/** A picture may be drawn again only where a fault has cut the way from its drawing to its completion. */
export function findDrawnAgain({ runs, history }: Evidence): { count: number; violations: string[] } {
  const outages = outagesIn(history);
  const images = imagesAsked(history);
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
      if (before === undefined || !outages.some((outage) => liesBetween(outage, before, run)))
        violations.push(`drawn again: ${jobId} on ${run.worker}, though no fault had cut it`);
    }
  }
  return { count, violations };
}

/** Not what a job ended with: one that was cancelled has drawn some of its pictures, and shows none. */
function imagesAsked(history: HistoryEntry[]): Map<string, number> {
  const accepted = history.filter((entry) => entry.type === 'accepted');
  return new Map(accepted.map(({ jobId, images }) => [jobId, images ?? 1]));
}

/** A kill is over at once, for another life begins; a stopped process stays so until it is told to go on. */
function outagesIn(history: HistoryEntry[]): Outage[] {
  const faults = history.filter((entry) => entry.type === 'fault');
  return faults.map(({ at, process, signal }) => {
    const isBack = (other: { at: number; process: string }): boolean => other.process === process && other.at > at;
    const until = signal === 'SIGSTOP' ? (faults.find(isBack)?.at ?? Number.POSITIVE_INFINITY) : at;
    return { process, from: at, until };
  });
}

function liesBetween({ process, from, until }: Outage, before: WorkerRun, run: WorkerRun): boolean {
  return (
    pairOf(process) === pairOf(before.worker) &&
    until > (before.finishedAt ?? 0) - slackMs &&
    from < run.startedAt + slackMs
  );
}

/** A gateway and its worker have the same number. */
function pairOf(process: string): string {
  return process.split('-')[1] ?? '';
}
