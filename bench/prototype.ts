// The prototype of bench/baseline as a process of its own, for benchmarks that speak HTTP to both arms.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { childEnvironment, inRoot, pythonTool } from '../scripts/paths.mjs';
import { randomModel } from '../scripts/service/models.mjs';
import { freePort } from '../scripts/service/service.mjs';
import { RestartedProcess } from '../test/support/restarted-process.js';
import { untilTrue } from '../test/support/until-true.js';

const startLimitMs = 90_000;

export class Prototype {
  private constructor(
    readonly url: string,
    private readonly process: RestartedProcess,
    private readonly folder: string,
  ) {}

  /** @param env `PROTOTYPE_LOCK`, `PROTOTYPE_INFERENCE`, and where S3 is */
  static async start(env: Record<string, string>): Promise<Prototype> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'illustration-prototype-'));
    const port = String(await freePort());
    const child = new RestartedProcess('prototype', {
      command: pythonTool('python'),
      args: ['-m', 'bench.baseline'],
      env: {
        ...childEnvironment(),
        OMP_NUM_THREADS: '1',
        PYTHONPATH: `${inRoot('worker-python', 'src')}${path.delimiter}${inRoot()}`,
        ...randomModel,
        UVICORN_PORT: port,
        ...env,
      },
      logFile: path.join(folder, 'prototype.log'),
    });
    const prototype = new Prototype(`http://127.0.0.1:${port}`, child, folder);
    child.start();
    try {
      await untilTrue('the prototype serves', startLimitMs, () =>
        fetch(`${prototype.url}/health/`).then(
          ({ ok }) => ok,
          () => false,
        ),
      );
    } catch (error) {
      const log = fs.readFileSync(path.join(folder, 'prototype.log'), 'utf8');
      await prototype.stop();
      throw new Error(`the prototype did not start:\n${log}`, { cause: error });
    }
    return prototype;
  }

  async stop(): Promise<void> {
    await this.process.end('SIGTERM');
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}
