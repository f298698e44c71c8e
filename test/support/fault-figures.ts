// The figures of a fault run, from its history and the workers' logs.
import type { HistoryEntry } from './fault-history.js';
import { groupBy } from './group-by.js';
import type { Verdict } from './history-checker.js';
import type { WorkerRun } from './worker-runs.js';

type Fault = Extract<HistoryEntry, { type: 'fault' }>;

/** The value that a share of all values does not exceed; NaN when there is none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.max(Math.ceil(sorted.length * share) - 1, 0)] ?? Number.NaN;
}

export interface Redispatch {
  /** From the kill that cut a run to the start of the job's next run. */
  ms: number;
  /** No other kill came in between, of whatever process. */
  isUndisturbed: boolean;
}

export function redispatches(history: HistoryEntry[], runs: WorkerRun[]): Redispatch[] {
  const kills = history.filter((entry) => entry.type === 'fault').filter(({ signal }) => signal === 'SIGKILL');
  return [...groupBy(runs, ({ jobId }) => jobId).values()].flatMap((ofJob) => {
    const inOrder = ofJob.toSorted((one, other) => one.startedAt - other.startedAt);
    return inOrder.flatMap((run, index) => {
      const next = inOrder[index + 1];
      const kill = kills.find((one) => hasCut(one, run));
      if (next === undefined || kill === undefined) return [];
      const isUndisturbed = kills.every(({ at }) => at <= kill.at || at > next.startedAt);
      return [{ ms: next.startedAt - kill.at, isUndisturbed }];
    });
  });
}

function hasCut({ at, process }: Fault, { worker, startedAt, finishedAt, abandonedAt }: WorkerRun): boolean {
  const isPair = process.split('-')[1] === worker.split('-')[1];
  return isPair && at >= startedAt && at <= (finishedAt ?? abandonedAt ?? Number.POSITIVE_INFINITY);
}

/** Milliseconds from a job's acceptance, as the client saw it, to its first run. */
export function dispatchesMs(history: HistoryEntry[], runs: WorkerRun[]): number[] {
  const ofJob = groupBy(runs, ({ jobId }) => jobId);
  return firstAcceptances(history).flatMap(({ jobId, at }) => {
    const starts = (ofJob.get(jobId) ?? []).map(({ startedAt }) => startedAt);
    // A job can be running before the client has read that it was accepted.
    return starts.length === 0 ? [] : [Math.max(Math.min(...starts) - at, 0)];
  });
}

export function acceptsMs(history: HistoryEntry[]): number[] {
  return firstAcceptances(history).map(({ latencyMs }) => latencyMs);
}

function firstAcceptances(history: HistoryEntry[]): Extract<HistoryEntry, { type: 'accepted' }>[] {
  return history.filter((entry) => entry.type === 'accepted').filter(({ isReplay }) => !isReplay);
}

/** How fast jobs are taken and begun, in one line. */
export function latencies(title: string, history: HistoryEntry[], runs: WorkerRun[]): string {
  return `${title}: accept ${milliseconds(acceptsMs(history))}, accepted to drawing ${milliseconds(dispatchesMs(history, runs))} (p50 / p99)`;
}

/** One line a figure. */
export function figuresTable(
  title: string,
  { history, runs, verdict }: { history: HistoryEntry[]; runs: WorkerRun[]; verdict: Verdict },
): string {
  const faults = history.filter((entry) => entry.type === 'fault');
  const ofJob = [...groupBy(runs, ({ jobId }) => jobId).values()].map(({ length }) => length);
  const again = redispatches(history, runs);
  const undisturbed = again.filter(({ isUndisturbed }) => isUndisturbed);
  const dispatches = dispatchesMs(history, runs);
  const rows: [string, string | number][] = [
    ['signals sent', countsOf(faults.map(({ process, signal }) => `${process} ${signal}`))],
    ['jobs accepted', verdict.accepted],
    ['jobs lost', verdict.lost],
    ['jobs duplicated', verdict.duplicated],
    ['jobs by state', countsOf(Object.entries(verdict.states).flatMap(([state, count]) => Array(count).fill(state)))],
    ['violations', verdict.violations.length],
    [
      'GPU runs per job (mean, most)',
      `${(runs.length / Math.max(ofJob.length, 1)).toFixed(2)}, ${Math.max(0, ...ofJob)}`,
    ],
    ['drawn again after a cut completion', verdict.drawnAgain],
    ['results adopted', verdict.adopted],
    [`re-dispatch after a kill, p50 / p99 of ${again.length}`, milliseconds(again.map(({ ms }) => ms))],
    [`  without another kill meanwhile, of ${undisturbed.length}`, milliseconds(undisturbed.map(({ ms }) => ms))],
    ['accept, p50 / p99', milliseconds(acceptsMs(history))],
    [`accepted to drawing, p50 / p99 of ${dispatches.length}`, milliseconds(dispatches)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return [title, ...rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`)].join('\n');
}

function milliseconds(values: number[]): string {
  if (values.length === 0) return 'none';
  return `${percentile(values, 0.5).toFixed(0)} / ${percentile(values, 0.99).toFixed(0)} ms`;
}

function countsOf(names: string[]): string {
  return [...groupBy(names.toSorted(), (name) => name)].map(([name, same]) => `${name} ${same.length}`).join(', ');
}
