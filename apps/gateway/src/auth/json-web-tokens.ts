import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';

import { DomainError } from '../errors/domain-error.js';
import { tenantName } from './api-key-file.js';
import { isScope, type Scope } from './scopes.js';

export interface JwtSettings {
  readonly issuer: string;
  readonly audience: string;
  readonly jwksUrl: string;
  /** The claim that names the tenant. */
  readonly tenantClaim: string;
}

/** The issuer's keys are asked for again after so long, and sooner when a token names an unknown one. */
const cacheMs = 600_000;
/** But not more often than this: tokens with made-up key ids must not become requests to the issuer. */
const cooldownMs = 30_000;
const issuerTimeoutMs = 3000;
const clockToleranceSeconds = 30;

/** Tokens signed by an identity provider: who holds one, and what it may be used for. */
export class JsonWebTokens {
  private readonly keys: JWTVerifyGetKey;

  constructor(private readonly settings: JwtSettings) {
    this.keys = createRemoteJWKSet(new URL(settings.jwksUrl), {
      cacheMaxAge: cacheMs,
      cooldownDuration: cooldownMs,
      timeoutDuration: issuerTimeoutMs,
    });
  }

  /**
   * The tenant and scopes of a good token; undefined: it is not one.
   *
   * @throws DomainError `storage-unavailable` when the issuer's keys cannot be fetched
   */
  async verify(token: string): Promise<{ tenant: string; scopes: Scope[] } | undefined> {
    const { issuer, audience, tenantClaim } = this.settings;
    try {
      const { payload } = await jwtVerify(token, this.keys, {
        issuer,
        audience,
        // Named here and not taken from the token: `none` and HMAC with a public key are the classic forgeries.
        algorithms: ['RS256', 'ES256'],
        requiredClaims: ['exp'],
        clockTolerance: clockToleranceSeconds,
      });
      const tenant = tenantName.safeParse(payload[tenantClaim]);
      return tenant.success ? { tenant: tenant.data, scopes: scopesIn(payload) } : undefined;
    } catch (error) {
      if (isForeign(error)) throw issuerAway(error);
      return undefined;
    }
  }
}

/** `scope` as OAuth has it (RFC 8693): words with a space between. A list is what some providers make of it. */
function scopesIn({ scope }: JWTPayload): Scope[] {
  const words: unknown[] = typeof scope === 'string' ? scope.split(' ') : Array.isArray(scope) ? scope : [];
  return words.filter((word) => typeof word === 'string').filter(isScope);
}

/** Not the token's fault: the issuer does not answer, or not with keys. */
function isForeign(error: unknown): boolean {
  if (!(error instanceof errors.JOSEError)) return true;
  // The plain class is what a reply other than 200, or one that is no JSON, becomes.
  return (
    error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid || error.code === 'ERR_JOSE_GENERIC'
  );
}

function issuerAway(cause: unknown): DomainError {
  return new DomainError('storage-unavailable', 'The keys of the tokens cannot be fetched now.', { cause });
}
