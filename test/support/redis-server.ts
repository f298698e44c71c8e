import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createClient } from '@keyv/redis';
import { freePort } from '../../scripts/service/service.mjs';
import { until } from './running-service.js';

export const hasRedis = spawnSync('redis-server', ['--version']).status === 0;

/** A real Redis server that keeps nothing on disk, on a free port of loopback. */
export class RedisServer {
  private constructor(
    private child: ChildProcess,
    private readonly folder: string,
    private readonly port: number,
  ) {}

  static async start(): Promise<RedisServer> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'illustration-redis-'));
    const port = await freePort();
    const server = new RedisServer(launch(folder, port), folder, port);
    await server.untilReady();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Every key there is. */
  async keys(): Promise<string[]> {
    const client = createClient({ url: this.url });
    await client.connect();
    const keys = await client.keys('*');
    await client.close();
    return keys;
  }

  /** It accepts connections and never answers. */
  freeze(): void {
    this.child.kill('SIGSTOP');
  }

  thaw(): void {
    this.child.kill('SIGCONT');
  }

  async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGKILL');
    await exited;
  }

  /** After `end`: empty, on the same port. */
  async startAgain(): Promise<void> {
    this.child = launch(this.folder, this.port);
    await this.untilReady();
  }

  async stop(): Promise<void> {
    await this.end();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  private async untilReady(): Promise<void> {
    const socket = { reconnectStrategy: false } as const;
    await until('Redis answers', async () => {
      const client = createClient({ url: this.url, socket }).on('error', () => undefined);
      try {
        await client.connect();
        await client.close();
        return true;
      } catch {
        return false;
      }
    });
  }
}

function launch(folder: string, port: number): ChildProcess {
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder];
  const child = spawn('redis-server', args, { stdio: 'ignore' });
  // A test process that gives up must not leave a server behind.
  process.once('exit', () => child.kill('SIGKILL'));
  return child;
}
