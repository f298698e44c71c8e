import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { randomModel } from '../../scripts/service/models.mjs';
import { freePort, startService, waitUntilHealthy } from '../../scripts/service/service.mjs';
import { testLogFile } from './test-logs.js';
import { withCanary } from './with-canary.js';

/** The whole service with its real processes, on a data folder of its own, on a free port of loopback. */
export class RunningService {
  private constructor(
    private readonly service: ReturnType<typeof startService>,
    /** What both processes write. */
    readonly log: string,
    /** Open until the service has stopped: a process that is started again writes to this number, whoever has it by then. */
    private readonly logFile: number,
  ) {}

  /** @param env settings on top of the embedded defaults and of the model of random weights; an empty `MODEL_PATH`: the built-in one */
  static async start(env: Record<string, string> = {}): Promise<RunningService> {
    const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'illustration-e2e-'));
    const log = testLogFile(dataDir, 'service');
    const logFile = fs.openSync(log, 'a');
    const service = startService({
      env: {
        ...randomModel,
        PORT: String(await freePort()),
        GRPC_PORT: '0',
        DATA_DIR: dataDir,
        WORKER_ADDRESS: '',
        // Most tests are about drawing, and draw one picture twice to compare.
        RESULT_CACHE_TTL_SECONDS: '0',
        ...env,
      },
      stdio: ['ignore', logFile, logFile],
    });
    const running = new RunningService(service, log, logFile);
    try {
      await waitUntilHealthy(service, { timeoutMs: 90_000 });
    } catch (error) {
      await service.stop();
      fs.closeSync(logFile);
      throw new Error(`the service did not start:\n${fs.readFileSync(log, 'utf8')}`, { cause: error });
    }
    return running;
  }

  get url(): string {
    return this.service.url;
  }

  get gatewayPid(): number {
    return pidOf(this.service.gateway);
  }

  get workerPid(): number {
    return pidOf(this.service.worker);
  }

  get dataDir(): string {
    return this.service.dataDir;
  }

  /** Puts a file into the embedded object store. */
  putObject(key: string, body: Buffer): void {
    const file = path.join(this.dataDir, 'objects', key);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, body);
  }

  /** Keys of the objects under a prefix. */
  objectKeys(prefix: string): string[] {
    const folder = path.join(this.dataDir, 'objects', prefix);
    if (!fs.existsSync(folder)) return [];
    return fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.png'));
  }

  /** What both processes have logged so far: one object a line. */
  logLines(): LogLine[] {
    return fs
      .readFileSync(this.log, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as LogLine);
  }

  /** Every text of the request carries the canary. */
  post(
    route: string,
    body: unknown,
    init: Omit<RequestInit, 'headers'> & { headers?: Record<string, string> } = {},
  ): Promise<Response> {
    return fetch(`${this.url}${route}`, {
      method: 'POST',
      body: JSON.stringify(withCanary(body)),
      ...init,
      headers: { 'content-type': 'application/json', ...init.headers },
    });
  }

  /** Draws a memory and returns its PNG; fails when the answer is not 200. */
  async drawMemory(request: Record<string, unknown>): Promise<Buffer> {
    const response = await this.post('/v1/images/memory', request);
    const body = (await response.json()) as { data: { url: string }[]; detail?: string };
    if (response.status !== 200) throw new Error(`${response.status}: ${body.detail}`);
    const picture = await fetch(body.data[0]?.url ?? '');
    return Buffer.from(await picture.arrayBuffer());
  }

  /** Ends both processes as an operator does. Resolves with the gateway's exit code. */
  async stop(): Promise<number> {
    const code = await this.service.stop();
    fs.closeSync(this.logFile);
    fs.rmSync(this.dataDir, { recursive: true, force: true });
    return code;
  }

  /** SIGTERM to the gateway alone. Resolves with its exit code. */
  async stopGateway(): Promise<number> {
    return (await this.service.gateway.stop()).code;
  }
}

export interface LogLine {
  time: string;
  level: string;
  msg: string;
  service: 'gateway' | 'worker';
  request_id?: string;
  job_id?: string;
  [field: string]: unknown;
}

function pidOf(supervised: { pid?: number } | undefined): number {
  if (supervised?.pid === undefined) throw new Error('the process does not run');
  return supervised.pid;
}

/** Waits until a condition holds; the condition itself is what the test is about, so there is a limit. */
export async function until<T>(
  what: string,
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  limitMs = 20_000,
): Promise<T> {
  const deadline = Date.now() + limitMs;
  while (Date.now() < deadline) {
    const value = await condition();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`it did not happen within ${limitMs / 1000} s: ${what}`);
}
