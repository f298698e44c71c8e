// Rows of the one table that `npm run bench` prints; `rows.py` is the same for the worker's benches.
import fs from 'node:fs';
import { median, spread } from './memories.js';

export interface Row {
  id: string;
  what: string;
  baseline: string;
  ours: string;
  ratio: string;
  goal: string;
  verdict: 'met' | 'MISSED' | 'told only';
}

/** Prints the rows, and adds them to the file in `BENCH_ROWS` where one collects. */
export function tell(rows: readonly Row[]): void {
  const file = process.env.BENCH_ROWS;
  for (const row of rows) {
    console.log(
      `${row.id}: ${row.what}: ours ${row.ours}, baseline ${row.baseline}, ratio ${row.ratio}; goal ${row.goal}: ${row.verdict}`,
    );
    if (file) fs.appendFileSync(file, `${JSON.stringify(row)}\n`);
  }
}

/** What is told of figures measured in rounds, ours beside the baseline's; the ratio is the median of the rounds' ratios. */
export function compared(
  ours: readonly number[],
  baseline: readonly number[],
): { ratios: number[]; ratio: number; text: string } {
  const ratios = ours.map((value, round) => value / (baseline[round] ?? Number.NaN));
  return { ratios, ratio: median(ratios), text: spread(ratios, 2) };
}

export const verdict = (isMet: boolean): 'met' | 'MISSED' => (isMet ? 'met' : 'MISSED');
