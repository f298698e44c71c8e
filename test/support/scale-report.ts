/** One number of pods, under load. */
export interface ScaleRow {
  pods: number;
  jobs: number;
  /** From the first job's submission to the end of the last. */
  seconds: number;
  /** Seconds that jobs waited for their first attempt. */
  waitP50: number;
  waitP95: number;
  /** Of the database, for each job, without those that a service makes that does nothing. */
  statements: number;
  /** CPU time of the database server for each job, milliseconds; all that it did meanwhile. */
  cpuMs: number;
  /** What happened to each job and was told to every gateway. */
  events: number;
  /** Of the database, for each gateway that does nothing and each second. */
  idleStatements: number;
  /** How often the signal was compared with the database, and how often it told of what was not. */
  looks: number;
  wrongSignals: number;
  /** The greatest number of outstanding jobs that an autoscaler was told of. */
  peak: number;
}

/** Pods ended by `kill -9` while they drew. */
export interface KillsReport {
  kills: number;
  pods: number;
  jobs: number;
  lost: number;
  duplicated: number;
}

const columns: [title: string, cell: (row: ScaleRow, pictureSeconds: number) => string][] = [
  ['pods', ({ pods }) => String(pods)],
  ['jobs', ({ jobs }) => String(jobs)],
  ['pictures/s', (row) => rateOf(row).toFixed(2)],
  ['of the most', (row, pictureSeconds) => `${((100 * rateOf(row) * pictureSeconds) / row.pods).toFixed(0)} %`],
  ['wait p50 / p95', ({ waitP50, waitP95 }) => `${waitP50.toFixed(1)} / ${waitP95.toFixed(1)} s`],
  ['statements a job', ({ statements }) => statements.toFixed(0)],
  ['db CPU ms a job', ({ cpuMs }) => cpuMs.toFixed(0)],
  ['events a job', ({ events }) => events.toFixed(1)],
  ['idle stmts/s a pod', ({ idleStatements }) => idleStatements.toFixed(1)],
  ['peak of the signal', ({ peak }) => String(peak)],
  ['signal wrong / looks', ({ wrongSignals, looks }) => `${wrongSignals} / ${looks}`],
];

/** Pictures a second. */
export function rateOf({ jobs, seconds }: ScaleRow): number {
  return jobs / seconds;
}

/** @param pictureSeconds what a picture takes of its worker */
export function scaleTable(rows: readonly ScaleRow[], pictureSeconds: number): string {
  const lines = [
    columns.map(([title]) => title),
    ...rows.map((row) => columns.map(([, cell]) => cell(row, pictureSeconds))),
  ];
  const widths = columns.map((_, at) => Math.max(...lines.map((cells) => cells[at]?.length ?? 0)));
  return lines.map((cells) => cells.map((cell, at) => cell.padStart(widths[at] ?? 0)).join('  ')).join('\n');
}

export function killsLine({ kills, pods, jobs, lost, duplicated }: KillsReport): string {
  return `kills: ${kills} times one of ${pods} pods, gateway and worker, while they drew ${jobs} jobs: lost ${lost}, duplicated ${duplicated}`;
}
