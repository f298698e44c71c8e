import { createHash, timingSafeEqual } from 'node:crypto';

import { Injectable } from '@nestjs/common';

import { AppConfig } from '../config/app-config.js';

/** The one bearer token that all callers share (`AUTH_TOKEN`), or none at all. */
@Injectable()
export class SharedToken {
  private readonly digest: Buffer | undefined;

  constructor(config: AppConfig) {
    this.digest = config.authToken === undefined ? undefined : sha256(config.authToken);
  }

  /** Is this `Authorization` header good enough? Takes the same time for every wrong token. */
  accepts(authorization: string | undefined): boolean {
    if (this.digest === undefined) {
      return true;
    }
    const token = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
    // Digests have one length, so neither the length nor the first difference shows in the time.
    return token !== undefined && timingSafeEqual(sha256(token), this.digest);
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
