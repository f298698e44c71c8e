import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';

/** Exits of its own accord, in all its lives; a process that cannot start must not be started for ever. */
const mostExits = 10;
const living = new Set<ChildProcess>();
// However a test run ends, nothing it started outlives it.
process.once('exit', () => living.forEach((child) => child.kill('SIGKILL')));

export interface Launch {
  command: string;
  args: string[];
  env: NodeJS.ProcessEnv;
  /** Appended to, so that all lives of the process are in one file. */
  logFile: string;
}

/** A child process that is started again at once when it dies, until it is told to stay down, or has failed too often. */
export class RestartedProcess {
  private child: ChildProcess | undefined;
  private exited: Promise<number | null> = Promise.resolve(null);
  private isWanted = false;
  private exits = 0;

  constructor(
    /** `gateway-0`, `worker-1`, ... */
    readonly name: string,
    private readonly launch: Launch,
  ) {}

  get pid(): number | undefined {
    return this.child?.pid;
  }

  start(): void {
    this.isWanted = true;
    if (this.child === undefined) this.spawn();
  }

  /** To the life that is running now; nothing when it is just being started again. */
  signal(signal: NodeJS.Signals): void {
    this.child?.kill(signal);
  }

  /** Ends the process for good. @returns its exit code; null: the signal ended it */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    this.isWanted = false;
    this.child?.kill(signal);
    // A stopped process takes no other signal than SIGKILL until it goes on.
    if (signal !== 'SIGKILL') this.child?.kill('SIGCONT');
    return this.exited;
  }

  private spawn(): void {
    const { command, args, env, logFile } = this.launch;
    const log = fs.openSync(logFile, 'a');
    const child = spawn(command, args, { env, stdio: ['ignore', log, log] });
    fs.closeSync(log);
    this.child = child;
    living.add(child);
    this.exited = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => {
        living.delete(child);
        this.child = undefined;
        if (code !== null) this.exits += 1;
        if (this.isWanted && this.exits < mostExits) this.spawn();
        resolve(code);
      });
    });
  }
}
