import { type CanActivate, Injectable } from '@nestjs/common';

import { AppConfig } from '../config/app-config.js';
import { DomainError } from '../errors/domain-error.js';

/** With `DOCS_ENABLED=false` the documentation does not exist. */
@Injectable()
export class DocsSwitchGuard implements CanActivate {
  constructor(private readonly config: AppConfig) {}

  canActivate(): boolean {
    if (this.config.http.isDocsEnabled) {
      return true;
    }
    throw new DomainError('not-found', 'There is nothing under this address.');
  }
}
