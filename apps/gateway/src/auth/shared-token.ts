import { timingSafeEqual } from 'node:crypto';

import { Injectable } from '@nestjs/common';

import { AppConfig } from '../config/app-config.js';
import { sha256 } from './api-key.js';

/** The one bearer token that all callers can share (`AUTH_TOKEN`), or none. */
@Injectable()
export class SharedToken {
  private readonly digest: Buffer | undefined;

  constructor({ auth }: AppConfig) {
    this.digest = auth.token === undefined ? undefined : sha256(auth.token);
  }

  /** Takes the same time for every wrong token: digests have one length, so neither length nor first difference shows. */
  is(token: string): boolean {
    return this.digest !== undefined && timingSafeEqual(sha256(token), this.digest);
  }
}
