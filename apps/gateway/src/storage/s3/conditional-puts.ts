import { PutObjectCommand, type PutObjectCommandInput, type S3Client } from '@aws-sdk/client-s3';
import { Logger } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';

import type { ConditionalPut } from '../object-store.js';
import { statusOf } from './s3-errors.js';

/** The object is there already. */
const preconditionFailed = 412;
/** Another write of the key is under way. */
const conflict = 409;
/** The server knows the header and says that it cannot. */
const notImplemented = 501;

const mostConflicts = 6;
const conflictPauseMs = 50;

const logger = new Logger('S3ObjectStore');

export type PutInput = Omit<PutObjectCommandInput, 'Bucket' | 'IfNoneMatch'>;

/**
 * Writes that must not replace anything (`If-None-Match: *`), and whether the server honours them: AWS and most others
 * do, and some ignore the header without a word, so that a second write silently replaces the first.
 */
export class ConditionalPuts {
  private answer: Promise<boolean> | undefined;

  /** @param at.probeKey written twice, to see what the server does */
  constructor(
    private readonly client: S3Client,
    private readonly at: { bucket: string; probeKey: string },
  ) {}

  /** Asks the server the first time, and again after a question it did not answer. Rejects with the SDK's error. */
  areHonoured(): Promise<boolean> {
    this.answer ??= this.probe().catch((error: unknown) => {
      this.answer = undefined;
      throw error;
    });
    return this.answer;
  }

  /** A 412 is an answer; a 409 means that it is being decided, so the question is put again. */
  async put(input: PutInput, signal?: AbortSignal): Promise<ConditionalPut> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.send(input, signal);
        return 'stored';
      } catch (error) {
        const status = statusOf(error);
        if (status === preconditionFailed) return 'exists';
        if (status !== conflict || attempt === mostConflicts) throw error;
      }
      await delay(conflictPauseMs * attempt, undefined, { signal });
    }
  }

  private async probe(): Promise<boolean> {
    const { bucket } = this.at;
    // The first write may find the object of an earlier boot, which is an answer too.
    const areHonoured = (await this.isProbeRefused()) || (await this.isProbeRefused());
    if (areHonoured) logger.log({ bucket }, 'the object store honours conditional writes');
    else logger.warn({ bucket }, 'the object store ignores conditional writes: it is asked before each write instead');
    return areHonoured;
  }

  private async isProbeRefused(): Promise<boolean> {
    try {
      await this.send({ Key: this.at.probeKey, Body: 'probe' });
      return false;
    } catch (error) {
      const status = statusOf(error);
      if (status === preconditionFailed || status === conflict) return true;
      if (status === notImplemented) return false;
      throw error;
    }
  }

  private async send(input: PutInput, signal?: AbortSignal): Promise<void> {
    const command = new PutObjectCommand({ ...input, Bucket: this.at.bucket, IfNoneMatch: '*' });
    await this.client.send(command, { abortSignal: signal });
  }
}
