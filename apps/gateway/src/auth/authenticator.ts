import { Injectable } from '@nestjs/common';

import { AppConfig } from '../config/app-config.js';
import { DomainError } from '../errors/domain-error.js';
import { ApiKeys } from './api-keys.js';
import { type Caller, defaultTenant } from './caller.js';
import { JsonWebTokens } from './json-web-tokens.js';
import { type Scope, scopes } from './scopes.js';
import { SharedToken } from './shared-token.js';

/** Everybody who calls has the shared token, and erasing is not for everybody. */
const scopesOfSharedToken: readonly Scope[] = ['generate', 'read', 'train'];

/** Longer than any token of sense; nothing longer is looked at. */
const maxTokenLength = 8192;

/** Finds out who is calling, the same for REST and gRPC. */
@Injectable()
export class Authenticator {
  private readonly tokens: JsonWebTokens | undefined;

  constructor(
    private readonly config: AppConfig,
    private readonly sharedToken: SharedToken,
    private readonly apiKeys: ApiKeys,
  ) {
    const { jwt } = config.auth;
    this.tokens = jwt === undefined ? undefined : new JsonWebTokens(jwt);
  }

  /**
   * @param authorization the header or metadata of that name
   * @throws DomainError `unauthenticated`, or `storage-unavailable` when the keys of tokens cannot be fetched
   */
  async authenticate(authorization: string | undefined): Promise<Caller> {
    if (!this.config.auth.isEnabled) return this.caller(defaultTenant, scopes);
    const token = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
    if (token !== undefined && token.length <= maxTokenLength) {
      if (this.sharedToken.is(token)) return this.caller(defaultTenant, scopesOfSharedToken);
      const key = this.apiKeys.find(token);
      if (key !== undefined) return this.caller(key.tenant, key.scopes);
      const claims = looksLikeJwt(token) ? await this.tokens?.verify(token) : undefined;
      if (claims !== undefined) return this.caller(claims.tenant, claims.scopes);
    }
    throw new DomainError('unauthenticated', 'A valid bearer token is needed.');
  }

  private caller(tenant: string, allowed: readonly Scope[]): Caller {
    const quotas = { ...this.config.quotas, ...this.apiKeys.quotasOf(tenant) };
    return { tenant, scopes: new Set(allowed), quotas };
  }
}

function looksLikeJwt(token: string): boolean {
  return token.split('.').length === 3;
}
