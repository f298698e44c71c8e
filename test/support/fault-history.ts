// What a client saw and what was done to the service, as it happened: the ground truth that the service is held against.
import fs from 'node:fs';

export type HistoryEntry =
  /** The client is about to ask for a job, or asks again because it got no answer. */
  | { type: 'asked'; at: number; key: string }
  /** The service has said that it will do it. `images`: pictures asked for, one where it does not say. */
  | { type: 'accepted'; at: number; key: string; jobId: string; isReplay: boolean; latencyMs: number; images?: number }
  /** The service has said that the job has ended so. */
  | { type: 'ended'; at: number; jobId: string; state: string }
  /** Written before the signal is sent. `process`: `gateway-0`, `worker-1`, ...; equal numbers belong together. */
  | { type: 'fault'; at: number; process: string; signal: string };

type Unstamped<Entry> = Entry extends HistoryEntry ? Omit<Entry, 'at'> : never;

/** An append-only file; nothing is kept in memory, so what is checked is what was written. */
export class FaultHistory {
  constructor(private readonly file: string) {}

  append(entry: Unstamped<HistoryEntry>): void {
    fs.appendFileSync(this.file, `${JSON.stringify({ ...entry, at: Date.now() })}\n`);
  }

  entries(): HistoryEntry[] {
    if (!fs.existsSync(this.file)) return [];
    return fs
      .readFileSync(this.file, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as HistoryEntry);
  }
}
