import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { freePort } from '../../scripts/service/service.mjs';
import { until } from './running-service.js';

const versions = '/usr/lib/postgresql';

/** Folder of the newest PostgreSQL of this machine (Debian's place); undefined: there is none. */
const binaries = fs.existsSync(versions)
  ? fs
      .readdirSync(versions)
      .toSorted((one, other) => Number(other) - Number(one))
      .map((version) => path.join(versions, version, 'bin'))
      .find((folder) => fs.existsSync(path.join(folder, 'initdb')))
  : undefined;

export const hasPostgres = binaries !== undefined;

export interface ServerOptions {
  /** As in production, what is committed is on the disk; tests need no more than the process. */
  isDurable?: boolean;
  /** Of postgresql.conf, each as `name=value`. */
  settings?: string[];
}

/** A real PostgreSQL server on a folder of its own, on a free port of loopback. */
export class PostgresServer {
  private constructor(
    private child: ChildProcess,
    private readonly folder: string,
    private readonly port: number,
    private readonly options: Required<ServerOptions>,
  ) {}

  static async start({ isDurable = false, settings = [] }: ServerOptions = {}): Promise<PostgresServer> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'illustration-pg-'));
    const owner = ownerOfServer();
    if (owner !== undefined) fs.chownSync(folder, owner.uid, owner.gid);
    const initdb = ['-D', path.join(folder, 'data'), '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync'];
    execFileSync(program('initdb'), initdb, { stdio: 'pipe', ...owner, cwd: folder });
    const port = await freePort();
    const options = { isDurable, settings };
    const server = new PostgresServer(launch(folder, port, options), folder, port, options);
    await server.untilReady();
    return server;
  }

  /** Of the postmaster; its backends are its children. */
  get pid(): number {
    if (this.child.pid === undefined) throw new Error('the server does not run');
    return this.child.pid;
  }

  get url(): string {
    return this.urlOf('postgres');
  }

  /** Makes an empty database. @returns its URL */
  async createDatabase(name: string): Promise<string> {
    await this.execute(`CREATE DATABASE ${name}`);
    return this.urlOf(name);
  }

  async execute(sql: string): Promise<void> {
    await this.query(sql);
  }

  async query<Row extends object>(sql: string, database = 'postgres'): Promise<Row[]> {
    const client = new Client({ connectionString: this.urlOf(database) });
    await client.connect();
    try {
      return (await client.query<Row>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  /** Cuts every connection except the one that says so. */
  async dropConnections(): Promise<void> {
    await this.execute('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()');
  }

  /** The fast way of a planned restart: connections are cut. */
  async restart(): Promise<void> {
    await this.end('SIGINT');
    this.child = launch(this.folder, this.port, this.options);
    await this.untilReady();
  }

  async stop(): Promise<void> {
    await this.end('SIGINT');
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  private urlOf(database: string): string {
    return `postgres://postgres@127.0.0.1:${this.port}/${database}`;
  }

  private async untilReady(): Promise<void> {
    await until('PostgreSQL answers', () =>
      this.execute('SELECT 1').then(
        () => true,
        () => false,
      ),
    );
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null) return;
    const exited = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill(signal);
    await exited;
  }
}

function launch(folder: string, port: number, { isDurable, settings: given }: Required<ServerOptions>): ChildProcess {
  // Without fsync: what a test kills is the process, never the machine.
  const settings = [
    `fsync=${isDurable ? 'on' : 'off'}`,
    'listen_addresses=127.0.0.1',
    `unix_socket_directories=${folder}`,
    ...given,
  ];
  const args = ['-D', path.join(folder, 'data'), '-p', String(port), ...settings.flatMap((one) => ['-c', one])];
  const log = fs.openSync(path.join(folder, 'log'), 'a');
  const child = spawn(program('postgres'), args, { stdio: ['ignore', log, log], cwd: folder, ...ownerOfServer() });
  fs.closeSync(log);
  // A test process that gives up must not leave a server behind.
  process.once('exit', () => child.kill('SIGKILL'));
  return child;
}

function program(name: string): string {
  if (binaries === undefined) throw new Error('there is no PostgreSQL on this machine; see hasPostgres');
  return path.join(binaries, name);
}

/** PostgreSQL refuses to run as root: then it runs as Debian's `postgres`. */
function ownerOfServer(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  return { uid: idOfPostgres('-u'), gid: idOfPostgres('-g') };
}

function idOfPostgres(flag: '-u' | '-g'): number {
  return Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
}
