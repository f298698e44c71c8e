import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListBucketsCommand,
  paginateListObjectsV2,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { freePort } from '../../scripts/service/service.mjs';
import { canary } from '../../scripts/privacy/canary.mjs';
import { s3Server } from '../../scripts/setup/s3-server.mjs';
import { until } from './running-service.js';

const credentials = { accessKeyId: 'test-access', secretAccessKey: `test-secret-${canary}` };

export const hasS3Server = fs.existsSync(s3Server);

/** A real S3 server (versitygw over a folder) with one bucket. */
export class S3Server {
  readonly bucket = 'auto-bio-illustrations';
  private readonly client: S3Client;

  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
    readonly endpointUrl: string,
  ) {
    this.client = new S3Client({ endpoint: endpointUrl, region: 'us-east-1', forcePathStyle: true, credentials });
  }

  /** @param keepsAlive connections last, as those of S3 do; this server closes them by default */
  static async start({ keepsAlive = false }: { keepsAlive?: boolean } = {}): Promise<S3Server> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'illustration-s3-'));
    const port = await freePort();
    const env = {
      ...process.env,
      ROOT_ACCESS_KEY: credentials.accessKeyId,
      ROOT_SECRET_KEY: credentials.secretAccessKey,
      VGW_KEEP_ALIVE: String(keepsAlive),
    };
    const child = spawn(s3Server, ['--port', `127.0.0.1:${port}`, 'posix', folder], { env, stdio: 'ignore' });
    const server = new S3Server(child, folder, `http://127.0.0.1:${port}`);
    await until('the S3 server answers', () =>
      server.client.send(new ListBucketsCommand({})).then(Boolean, () => false),
    );
    await server.client.send(new CreateBucketCommand({ Bucket: server.bucket }));
    return server;
  }

  /** What the gateway needs to use this server. */
  get settings(): Record<string, string> {
    return {
      S3_BUCKET_NAME: this.bucket,
      S3_ENDPOINT_URL: this.endpointUrl,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    };
  }

  async put(key: string, body: Buffer): Promise<void> {
    await this.client.send(new PutObjectCommand({ Bucket: this.bucket, Key: key, Body: body }));
  }

  async get(uri: string): Promise<{ body: Buffer; contentType: string | undefined }> {
    const { hostname, pathname } = new URL(uri);
    const object = await this.client.send(new GetObjectCommand({ Bucket: hostname, Key: pathname.slice(1) }));
    return { body: Buffer.from((await object.Body?.transformToByteArray()) ?? []), contentType: object.ContentType };
  }

  /** Every key under a prefix. */
  async keys(prefix: string): Promise<string[]> {
    const pages = paginateListObjectsV2({ client: this.client }, { Bucket: this.bucket, Prefix: prefix });
    const keys: string[] = [];
    for await (const { Contents: objects = [] } of pages) keys.push(...objects.map(({ Key: key = '' }) => key));
    return keys;
  }

  async stop(): Promise<void> {
    this.client.destroy();
    const exited = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGTERM');
    await exited;
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  /** The server freezes: it accepts connections and never answers. */
  freeze(): void {
    this.child.kill('SIGSTOP');
  }

  thaw(): void {
    this.child.kill('SIGCONT');
  }
}
