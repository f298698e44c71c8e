import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultStack } from './fault-stack.js';
import { readMetrics } from './metrics-page.js';
import type { PostgresServer } from './postgres-server.js';

interface Look {
  at: number;
  /** What a gateway's metrics say; undefined: it does not answer. */
  signal: number | undefined;
  /** What the database has at the same moment. */
  truth: number;
}

/** Gateways look at the queue every 2 s; a look takes its time on a busy machine. */
const oldestMs = 4000;
const everyMs = 250;

/** Compares `illustration_jobs_outstanding`, as an autoscaler would read it, with the jobs that there are. */
export class ScalingSignal {
  readonly looks: Look[] = [];

  constructor(
    private readonly stack: FaultStack,
    private readonly server: PostgresServer,
    private readonly database: string,
  ) {}

  /** Looks until the work has ended, however it ends. */
  async during<Result>(work: () => Promise<Result>): Promise<Result> {
    const over = new AbortController();
    const watching = this.watch(over.signal);
    try {
      return await work();
    } finally {
      over.abort();
      await watching;
    }
  }

  private async watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const [told, truth] = await Promise.all([this.told(), this.outstanding()]);
      this.looks.push({ at: Date.now(), signal: told, truth });
      await sleep(everyMs);
    }
  }

  /** The looks at which the signal told of no moment of the last four seconds, give or take a job. */
  wrong(): Look[] {
    return this.looks.filter(({ at, signal }) => {
      const recent = this.looks.filter((look) => look.at <= at && look.at > at - oldestMs).map(({ truth }) => truth);
      const isWarm = at - (this.looks[0]?.at ?? at) > oldestMs;
      return isWarm && signal !== undefined && (signal < Math.min(...recent) - 1 || signal > Math.max(...recent) + 1);
    });
  }

  /** The most that the signal told of. */
  peak(): number {
    return Math.max(...this.looks.map(({ signal }) => signal ?? 0));
  }

  /** The most that there was at a look. */
  truePeak(): number {
    return Math.max(...this.looks.map(({ truth }) => truth));
  }

  private async told(): Promise<number | undefined> {
    const port = this.stack.linesOf('gateway-0').findLast((line) => line.msg.startsWith('metrics on'))?.['port'];
    const samples = await readMetrics(`http://127.0.0.1:${String(port)}/metrics`).catch(() => []);
    const outstanding = samples.filter(({ name }) => name === 'illustration_jobs_outstanding');
    return outstanding.length === 0 ? undefined : outstanding.reduce((sum, { value }) => sum + value, 0);
  }

  private async outstanding(): Promise<number> {
    const [row] = await this.server.query<{ jobs: number }>(
      `SELECT count(*)::int AS jobs FROM illustration.jobs WHERE state IN ('queued', 'running')`,
      this.database,
    );
    return row?.jobs ?? 0;
  }
}
