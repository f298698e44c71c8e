// Holds what the service says in the end, what lies in the object store and what the workers logged against the history.
import { findDrawnAgain } from './drawn-again.js';
import type { HistoryEntry } from './fault-history.js';
import { groupBy } from './group-by.js';
import type { WorkerRun } from './worker-runs.js';

export interface FinalJob {
  job_id: string;
  state: string;
  data?: { s3_uri: string; sha256: string }[];
  receipt?: { adopted?: boolean; resumed_from_step?: number | null };
}

export interface FinalEvent {
  seq: number;
  type: string;
}

export interface Evidence {
  history: HistoryEntry[];
  /** Every job that the service knows. */
  jobs: FinalJob[];
  /** Every job's events, by its id. */
  events: ReadonlyMap<string, FinalEvent[]>;
  /** SHA-256 of every result in the object store, by `s3://` address. */
  objects: ReadonlyMap<string, string>;
  runs: WorkerRun[];
}

export interface Verdict {
  /** Empty: all promises were kept. */
  violations: string[];
  accepted: number;
  /** Acknowledged jobs that are gone or have not ended. */
  lost: number;
  /** Jobs beyond one a key, and jobs that nobody was told of. */
  duplicated: number;
  /** Jobs by state. */
  states: Record<string, number>;
  /** Jobs whose picture was drawn again, because a kill came between the drawing and its completion. */
  drawnAgain: number;
  /** Jobs that found their picture stored by an earlier attempt. */
  adopted: number;
}

const finalStates = new Set(['succeeded', 'failed', 'canceled', 'expired']);
type Accepted = Extract<HistoryEntry, { type: 'accepted' }>;

export function checkHistory(evidence: Evidence): Verdict {
  const jobs = new Map(evidence.jobs.map((job) => [job.job_id, job]));
  const accepted = evidence.history.filter((entry) => entry.type === 'accepted');
  const acknowledged = new Set(accepted.map(({ jobId }) => jobId));
  const lost = lostJobs(acknowledged, jobs);
  const duplicated = duplicates(accepted, evidence.jobs);
  const again = findDrawnAgain(evidence);
  return {
    violations: [
      ...lost,
      ...duplicated,
      ...changedEnds(evidence.history, jobs),
      ...evidence.jobs.flatMap((job) => eventFaults(job, evidence.events.get(job.job_id) ?? [])),
      ...objectFaults(evidence),
      ...again.violations,
    ],
    accepted: acknowledged.size,
    lost: lost.length,
    duplicated: duplicated.length,
    states: countBy(evidence.jobs.map(({ state }) => state)),
    drawnAgain: again.count,
    adopted: evidence.jobs.filter(({ receipt }) => receipt?.adopted === true).length,
  };
}

function lostJobs(acknowledged: ReadonlySet<string>, jobs: ReadonlyMap<string, FinalJob>): string[] {
  return [...acknowledged].flatMap((id) => {
    const job = jobs.get(id);
    if (job === undefined) return [`lost: ${id} was accepted and is unknown`];
    return finalStates.has(job.state) ? [] : [`lost: ${id} was accepted and is still ${job.state}`];
  });
}

function duplicates(accepted: Accepted[], jobs: FinalJob[]): string[] {
  const idsOfKey = groupBy(accepted, ({ key }) => key);
  const acknowledged = new Set(accepted.map(({ jobId }) => jobId));
  return [
    ...[...idsOfKey].flatMap(([key, entries]) => {
      const ids = [...new Set(entries.map(({ jobId }) => jobId))];
      return ids.slice(1).map((id) => `duplicated: ${key} is ${ids[0]} and ${id}`);
    }),
    // The client asks again until it is answered, so it knows of every job in the end.
    ...jobs.filter((job) => !acknowledged.has(job.job_id)).map((job) => `duplicated: nobody knows of ${job.job_id}`),
    ...[...groupBy(jobs, (job) => job.job_id)].flatMap(([id, same]) =>
      same.length > 1 ? [`duplicated: ${id} is listed ${same.length} times`] : [],
    ),
  ];
}

/** An end that somebody was told of is the end. */
function changedEnds(history: HistoryEntry[], jobs: ReadonlyMap<string, FinalJob>): string[] {
  return history
    .filter((entry) => entry.type === 'ended')
    .flatMap(({ jobId, state }) => {
      const now = jobs.get(jobId)?.state;
      return now === state ? [] : [`changed: ${jobId} was seen ${state} and is ${now ?? 'unknown'}`];
    });
}

function eventFaults({ job_id: id, state }: FinalJob, events: FinalEvent[]): string[] {
  const ends = events.filter(({ type }) => finalStates.has(type));
  const faults: string[] = [];
  if (events.some(({ seq }, index) => seq !== index + 1))
    faults.push(`events: those of ${id} are ${events.map(({ seq }) => seq).join(', ')}`);
  if (finalStates.has(state) && ends.length !== 1) faults.push(`events: ${id} ended ${ends.length} times`);
  if (ends.length > 0 && events.at(-1) !== ends.at(-1)) faults.push(`events: ${id} went on after its end`);
  if (ends.length > 0 && ends.at(-1)?.type !== state)
    faults.push(`events: ${id} is ${state}, its last event ${ends.at(-1)?.type}`);
  return faults;
}

/** Addresses of objects that no succeeded job names. */
export function orphansOf({ jobs, objects }: Pick<Evidence, 'jobs' | 'objects'>): string[] {
  const owned = new Set(jobs.flatMap((job) => (job.data ?? []).map((image) => image.s3_uri)));
  return [...objects.keys()].filter((uri) => !owned.has(uri));
}

/** `succeeded` if and only if every result is there, whole; and nothing else is there. */
function objectFaults({ jobs, objects }: Evidence): string[] {
  const results = jobs.flatMap((job) => (job.data ?? []).map((image) => ({ id: job.job_id, ...image })));
  return [
    ...jobs
      .filter((job) => (job.state === 'succeeded') !== (job.data !== undefined && job.data.length > 0))
      .map((job) => `object: ${job.job_id} is ${job.state} with ${job.data?.length ?? 0} results`),
    ...results.flatMap(({ id, s3_uri: uri, sha256 }) => {
      const found = objects.get(uri);
      if (found === undefined) return [`object: ${uri} of ${id} is missing`];
      return found === sha256 ? [] : [`object: ${uri} of ${id} has another digest`];
    }),
    ...[...groupBy(results, (image) => image.s3_uri)].flatMap(([uri, sharers]) =>
      sharers.length > 1 ? [`object: ${uri} belongs to ${sharers.length} results`] : [],
    ),
    ...orphansOf({ jobs, objects }).map((uri) => `orphan: ${uri} belongs to no succeeded job`),
  ];
}

function countBy(names: string[]): Record<string, number> {
  return Object.fromEntries([...groupBy(names, (name) => name)].map(([name, same]) => [name, same.length]));
}
