import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Readable } from 'node:stream';

import type { S3StoreConfig } from '../../config/app-config.js';
import {
  ObjectChangedError,
  ObjectForbiddenError,
  ObjectNotFoundError,
  ObjectStore,
  type ConditionalPut,
  type NewObject,
  type ObjectLocation,
  type ObjectStat,
  type StoredObject,
} from '../object-store.js';
import { ConditionalPuts } from './conditional-puts.js';
import { readBody } from './read-body.js';
import { defaultTimeouts, makeS3Client, withBreaker, type S3Timeouts } from './s3-client.js';
import { readFailure, statusOf, unavailable } from './s3-errors.js';
import { streamBody } from './stream-body.js';

/** How long a download URL works: for a page that shows the picture now, not for a bookmark. */
const downloadSeconds = 3600;
const logger = new Logger('S3ObjectStore');

interface Options {
  signal?: AbortSignal;
}

export interface S3StoreOptions {
  probeKey: string;
  timeouts?: S3Timeouts;
}

/** Objects in an S3 bucket, on AWS or any server that speaks its protocol. */
export class S3ObjectStore extends ObjectStore implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly client: S3Client;
  private readonly signer: S3Client;
  private readonly bucket: string;
  private readonly timeouts: S3Timeouts;
  private readonly conditionalPuts: ConditionalPuts;

  /** @param options.probeKey a key of no meaning, written to see how the server handles conditional writes */
  constructor(config: S3StoreConfig, { probeKey, timeouts = defaultTimeouts }: S3StoreOptions) {
    super();
    this.client = withBreaker(makeS3Client(config, timeouts));
    this.signer = makeS3Client(config, timeouts);
    this.bucket = config.bucket;
    this.timeouts = timeouts;
    this.conditionalPuts = new ConditionalPuts(this.client, { bucket: this.bucket, probeKey });
  }

  async get(key: string, { maxBytes, signal }: Options & { maxBytes: number }): Promise<StoredObject> {
    try {
      const reply = await this.client.send(new GetObjectCommand({ Bucket: this.bucket, Key: key }), {
        abortSignal: signal,
      });
      if (!(reply.Body instanceof Readable)) throw new Error('the reply has no body');
      const body = await readBody(reply.Body, {
        maxBytes,
        idleMs: this.timeouts.bodyIdleMs,
        contentLength: reply.ContentLength,
        signal,
      });
      return { body, etag: reply.ETag };
    } catch (error) {
      signal?.throwIfAborted();
      throw readFailure(error, key);
    }
  }

  async *stream(key: string, { etag, signal }: { etag: string; signal: AbortSignal }): AsyncGenerator<Buffer> {
    try {
      const command = new GetObjectCommand({ Bucket: this.bucket, Key: key, IfMatch: etag });
      const reply = await this.client.send(command, { abortSignal: signal });
      // A server that does not know `If-Match` sends what there is.
      if (reply.ETag !== etag) throw new ObjectChangedError(key);
      if (!(reply.Body instanceof Readable)) throw new Error('the reply has no body');
      const limits = { idleMs: this.timeouts.bodyIdleMs, contentLength: reply.ContentLength, signal };
      yield* streamBody(reply.Body, limits);
    } catch (error) {
      signal.throwIfAborted();
      throw readFailure(error, key);
    }
  }

  async stat(key: string, { signal }: Options = {}): Promise<ObjectStat | undefined> {
    try {
      const reply = await this.client.send(new HeadObjectCommand({ Bucket: this.bucket, Key: key }), {
        abortSignal: signal,
      });
      return { sizeBytes: reply.ContentLength ?? 0, etag: reply.ETag, metadata: reply.Metadata ?? {} };
    } catch (error) {
      signal?.throwIfAborted();
      const failure = readFailure(error, key);
      if (failure instanceof ObjectNotFoundError) return undefined;
      throw failure;
    }
  }

  async put(key: string, body: Buffer, contentType: string, { signal }: Options = {}): Promise<void> {
    const command = new PutObjectCommand({ Bucket: this.bucket, Key: key, Body: body, ContentType: contentType });
    try {
      await this.client.send(command, { abortSignal: signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw unavailable(error);
    }
  }

  /**
   * Where the server ignores conditions, it is looked for the object first. Two attempts at one job that store at the
   * same moment could then both succeed, and the later picture stays; only one of them completes the job, and if that
   * was the other, the job's `sha256` is not the object's. The fence of the lease makes that moment very small.
   */
  async putIfAbsent(key: string, object: NewObject, { signal }: Options = {}): Promise<ConditionalPut> {
    const input = { Key: key, Body: object.body, ContentType: object.contentType, Metadata: { ...object.metadata } };
    try {
      if (await this.conditionalPuts.areHonoured()) return await this.conditionalPuts.put(input, signal);
      if (await this.isThere(key, signal)) return 'exists';
      await this.client.send(new PutObjectCommand({ ...input, Bucket: this.bucket }), { abortSignal: signal });
      return 'stored';
    } catch (error) {
      signal?.throwIfAborted();
      throw unavailable(error);
    }
  }

  /** Needs `s3:DeleteObject`. */
  async remove(key: string): Promise<void> {
    try {
      await this.client.send(new DeleteObjectCommand({ Bucket: this.bucket, Key: key }));
    } catch (error) {
      throw unavailable(error);
    }
  }

  locate(key: string): ObjectLocation {
    return { s3Uri: `s3://${this.bucket}/${key}` };
  }

  downloadUrl(key: string): Promise<string> {
    const command = new GetObjectCommand({ Bucket: this.bucket, Key: key });
    return getSignedUrl(this.signer, command, { expiresIn: downloadSeconds });
  }

  /** A 403 counts as an answer: the right to list the bucket is not needed for the work. */
  async check(): Promise<void> {
    try {
      await this.client.send(new HeadBucketCommand({ Bucket: this.bucket }));
    } catch (error) {
      if (statusOf(error) !== 403) throw unavailable(error);
    }
  }

  /** A first question at boot, for the log; whoever writes asks again if it found no answer. */
  onApplicationBootstrap(): void {
    this.conditionalPuts.areHonoured().catch((error: unknown) => {
      logger.warn({ err: error }, 'the object store does not answer yet');
    });
  }

  /** After the last request has ended. */
  onApplicationShutdown(): void {
    this.client.destroy();
    this.signer.destroy();
  }

  /** Without `s3:ListBucket` a missing object is a 403, and an object that is there is never one. */
  private async isThere(key: string, signal: AbortSignal | undefined): Promise<boolean> {
    try {
      return await this.exists(key, { signal });
    } catch (error) {
      if (error instanceof ObjectForbiddenError) return false;
      throw error;
    }
  }
}
