import fs from 'node:fs';
import type { PostgresServer } from './postgres-server.js';

/** What a server was asked since the last reset: of `pg_stat_statements`, which it must have loaded. */
export interface StatementCount {
  statements: number;
  /** CPU time of the server's processes meanwhile. */
  cpuSeconds: number;
}

/** Of postgresql.conf. */
export const statementSettings = ['shared_preload_libraries=pg_stat_statements'];

export class StatementCounter {
  private cpuSecondsBefore = 0;

  private constructor(private readonly server: PostgresServer) {}

  static async start(server: PostgresServer): Promise<StatementCounter> {
    await server.execute('CREATE EXTENSION pg_stat_statements');
    return new StatementCounter(server);
  }

  async reset(): Promise<void> {
    await this.server.execute('SELECT pg_stat_statements_reset()');
    this.cpuSecondsBefore = cpuSecondsOf(this.server.pid);
  }

  /** Without the statements of whoever watches: those that count jobs. */
  async count(database: string): Promise<StatementCount> {
    const cpuSeconds = cpuSecondsOf(this.server.pid) - this.cpuSecondsBefore;
    const [row] = await this.server.query<{ statements: number }>(
      `SELECT COALESCE(sum(calls), 0)::float8 AS statements FROM pg_stat_statements s
       JOIN pg_database d ON d.oid = s.dbid
       WHERE d.datname = '${database}' AND s.query NOT LIKE '%AS jobs FROM illustration.jobs%'`,
    );
    return { statements: row?.statements ?? 0, cpuSeconds };
  }
}

/** Of a process, its children and those of them that have ended; Linux tells it in hundredths of a second. */
export function cpuSecondsOf(pid: number): number {
  const ticks = fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => statOf(name))
    .filter((stat) => stat !== undefined)
    .map(({ id, parent, own, ended }) => (id === pid ? own + ended : parent === pid ? own : 0));
  return ticks.reduce((sum, value) => sum + value, 0) / 100;
}

/** undefined: it has just ended. */
function statOf(name: string): { id: number; parent: number; own: number; ended: number } | undefined {
  try {
    // The name in brackets may have spaces. After it: state, parent ... utime (14th), stime, and those of ended children.
    const fields = fs.readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1]?.split(' ').map(Number) ?? [];
    const [parent = 0, utime = 0, stime = 0, cutime = 0, cstime = 0] = [1, 11, 12, 13, 14].map((at) => fields[at]);
    return { id: Number(name), parent, own: utime + stime, ended: cutime + cstime };
  } catch {
    return undefined;
  }
}
