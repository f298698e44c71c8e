import { SetMetadata } from '@nestjs/common';

import type { Scope } from './scopes.js';

export const REQUIRED_SCOPE = 'auth:required-scope';

/** Any credential will do: the route shows nothing of a tenant's. */
export const anyScope = 'any';

/**
 * What the credential must allow. A route or RPC without this decorator, and without `Public`, answers nobody: a
 * forgotten one is noticed at once.
 */
export const NeedsScope = (scope: Scope | typeof anyScope) => SetMetadata(REQUIRED_SCOPE, scope);
