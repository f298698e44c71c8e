import {
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { OnApplicationShutdown } from '@nestjs/common';
import { Readable } from 'node:stream';

import type { S3StoreConfig } from '../../config/app-config.js';
import { ObjectNotFoundError, ObjectStore, type ObjectLocation, type StoredObject } from '../object-store.js';
import { readBody } from './read-body.js';
import { defaultTimeouts, makeS3Client, type S3Timeouts } from './s3-client.js';
import { readFailure, statusOf, unavailable } from './s3-errors.js';

interface Options {
  signal?: AbortSignal;
}

/** Objects in an S3 bucket, on AWS or any server that speaks its protocol. */
export class S3ObjectStore extends ObjectStore implements OnApplicationShutdown {
  private readonly client: S3Client;
  private readonly bucket: string;

  constructor(
    config: S3StoreConfig,
    private readonly timeouts: S3Timeouts = defaultTimeouts,
  ) {
    super();
    this.client = makeS3Client(config, timeouts);
    this.bucket = config.bucket;
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

  async exists(key: string, { signal }: Options = {}): Promise<boolean> {
    try {
      await this.client.send(new HeadObjectCommand({ Bucket: this.bucket, Key: key }), { abortSignal: signal });
      return true;
    } catch (error) {
      signal?.throwIfAborted();
      const failure = readFailure(error, key);
      if (failure instanceof ObjectNotFoundError) return false;
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

  locate(key: string): ObjectLocation {
    return { s3Uri: `s3://${this.bucket}/${key}` };
  }

  /** A 403 counts as an answer: the right to list the bucket is not needed for the work. */
  async check(): Promise<void> {
    try {
      await this.client.send(new HeadBucketCommand({ Bucket: this.bucket }));
    } catch (error) {
      if (statusOf(error) !== 403) throw unavailable(error);
    }
  }

  /** After the last request has ended. */
  onApplicationShutdown(): void {
    this.client.destroy();
  }
}
