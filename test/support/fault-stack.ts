import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { childEnvironment, inRoot, node24, pythonTool } from '../../scripts/paths.mjs';
import { freePort } from '../../scripts/service/service.mjs';
import { portrait } from './avatars.js';
import { FaultHistory } from './fault-history.js';
import { LogTail } from './log-tail.js';
import { RestartedProcess } from './restarted-process.js';
import type { LogLine } from './running-service.js';
import { resultsInBucket, resultsInFolder } from './stored-results.js';
import { testLogFile } from './test-logs.js';
import type { S3Server } from './s3-server.js';
import { untilTrue } from './until-true.js';
import { runsIn, type WorkerRun } from './worker-runs.js';

export interface StackOptions {
  /** Gateways, each with a worker of its own. More than one needs a `databaseUrl`. */
  pairs?: number;
  databaseUrl?: string;
  /** Settings of all processes, over defaults that draw small noise at once. */
  env?: Record<string, string>;
  /** Where pictures go; by default into a folder. */
  s3?: S3Server;
  /** Each pair is started when the one before it serves. Many at once would share the cores, and none be ready for minutes. */
  isStartedInTurn?: boolean;
}

/** Of one gateway and its worker; the worker loads no model. */
const startsWithinMs = 60_000;

/** Real gateways and real workers that draw noise, on loopback, in a folder of their own, restarted when they die. */
export class FaultStack {
  readonly history: FaultHistory;
  readonly gateways: RestartedProcess[] = [];
  readonly workers: RestartedProcess[] = [];
  readonly urls: string[] = [];
  private readonly environments: NodeJS.ProcessEnv[] = [];
  private readonly logs = new Map<string, LogTail>();

  private constructor(
    readonly folder: string,
    private readonly s3: S3Server | undefined,
  ) {
    this.history = new FaultHistory(path.join(folder, 'history.jsonl'));
  }

  static async start(options: StackOptions = {}): Promise<FaultStack> {
    const { pairs = 1, databaseUrl = '', env = {}, s3, isStartedInTurn = false } = options;
    const stack = new FaultStack(fs.mkdtempSync(path.join(os.tmpdir(), 'illustration-faults-')), s3);
    for (let number = 0; number < pairs; number += 1) {
      await stack.addPair(number, { ...defaults, ...s3?.settings, DATABASE_URL: databaseUrl, ...env });
    }
    try {
      await stack.putAvatar();
      if (!isStartedInTurn) stack.startAll();
      for (let number = 0; number < pairs; number += 1) {
        stack.startPair(number);
        await stack.untilPairServes(number);
      }
    } catch (error) {
      await stack.stop();
      throw error;
    }
    return stack;
  }

  get processes(): RestartedProcess[] {
    return [...this.gateways, ...this.workers];
  }

  startAll(): void {
    this.processes.forEach((one) => one.start());
  }

  /** Sends the signal, and writes that down. */
  strike(target: RestartedProcess, signal: NodeJS.Signals = 'SIGKILL'): void {
    this.history.append({ type: 'fault', process: target.name, signal });
    target.signal(signal);
  }

  /** kill -9 of everything at once; nothing is started again before `startAll`. */
  async killAll(): Promise<void> {
    this.processes.forEach(({ name }) => this.history.append({ type: 'fault', process: name, signal: 'SIGKILL' }));
    await Promise.all(this.processes.map((one) => one.end('SIGKILL')));
  }

  /** `npm run redrive` on this stack's database. @returns what it printed */
  redrive(...args: string[]): string {
    const command = [inRoot('dist', 'gateway', 'redrive.js'), ...args];
    return execFileSync(node24, command, { env: this.environments[0], encoding: 'utf8', timeout: 60_000 });
  }

  /** Resolves when every gateway would draw now. */
  async untilServing(): Promise<void> {
    for (const number of this.urls.keys()) await this.untilPairServes(number);
  }

  /** What a process has logged so far, over all its lives. */
  linesOf(name: string): readonly LogLine[] {
    return this.logOf(name).lines();
  }

  /** In the order of their starts. */
  runs(): WorkerRun[] {
    return this.workers
      .flatMap(({ name }) => runsIn(name, this.linesOf(name)))
      .toSorted((one, other) => one.startedAt - other.startedAt);
  }

  runsOf(jobId: string): WorkerRun[] {
    return this.runs().filter((run) => run.jobId === jobId);
  }

  /** SHA-256 of every result, by its address. */
  results(): Promise<Map<string, string>> {
    return this.s3 === undefined ? Promise.resolve(resultsInFolder(this.objects)) : resultsInBucket(this.s3);
  }

  /** Ends every process, removes the folder. `FAULTS_KEEP=1` keeps it, to look into. */
  async stop(): Promise<void> {
    await Promise.all(this.processes.map((one) => one.end('SIGKILL')));
    if (process.env.FAULTS_KEEP !== '1') fs.rmSync(this.folder, { recursive: true, force: true });
  }

  private startPair(number: number): void {
    this.gateways[number]?.start();
    this.workers[number]?.start();
  }

  private async untilPairServes(number: number): Promise<void> {
    const url = this.urls[number] ?? '';
    const isServing = untilTrue(`${url} serves`, startsWithinMs, async () => {
      const health = await fetch(`${url}/health`, { signal: AbortSignal.timeout(5000) }).catch(() => undefined);
      await health?.arrayBuffer();
      return health?.status === 200;
    });
    await isServing.catch((error: unknown) => {
      throw new Error(`pair ${number} does not serve; ${this.lastWords(number)}`, { cause: error });
    });
  }

  /** What a gateway and its worker logged last. */
  private lastWords(number: number): string {
    return [`gateway-${number}`, `worker-${number}`]
      .map((name) => `${name}: ${JSON.stringify(this.linesOf(name).at(-1) ?? 'nothing')}`)
      .join('; ');
  }

  private get objects(): string {
    return path.join(this.folder, 'objects');
  }

  private async putAvatar(): Promise<void> {
    if (this.s3 !== undefined) return this.s3.put('avatars/ada.png', portrait);
    const avatars = path.join(this.objects, 'avatars');
    fs.mkdirSync(avatars, { recursive: true });
    fs.writeFileSync(path.join(avatars, 'ada.png'), portrait);
  }

  private async addPair(number: number, settings: Record<string, string>): Promise<void> {
    const port = await freePort();
    const env = {
      ...childEnvironment(),
      OMP_NUM_THREADS: '1',
      ...settings,
      PORT: String(port),
      DATA_DIR: this.folder,
      WORKER_ADDRESS: `unix:${path.join(this.folder, `worker-${number}.sock`)}`,
    };
    const gateway = { command: node24, args: ['--enable-source-maps', inRoot('dist', 'gateway', 'main.js')] };
    const worker = { command: pythonTool('python'), args: ['-m', 'illustration_worker'] };
    this.environments.push(env);
    this.urls.push(`http://127.0.0.1:${port}`);
    this.gateways.push(this.process(`gateway-${number}`, { ...gateway, env }));
    this.workers.push(this.process(`worker-${number}`, { ...worker, env }));
  }

  private process(name: string, launch: { command: string; args: string[]; env: NodeJS.ProcessEnv }): RestartedProcess {
    return new RestartedProcess(name, { ...launch, logFile: this.logOf(name).file });
  }

  private logOf(name: string): LogTail {
    const log = this.logs.get(name) ?? new LogTail(testLogFile(this.folder, name));
    this.logs.set(name, log);
    return log;
  }
}

const defaults = {
  HOST: '127.0.0.1',
  GRPC_PORT: '0',
  ENGINE: 'fake',
  FAKE_STEP_SECONDS: '0.01',
  MAX_OUTSTANDING_JOBS: '4',
  JOB_MAX_ATTEMPTS: '20',
  LOG_LEVEL: 'info',
};
