import type { Response } from 'express';

import type { QuotaStanding } from '../../jobs/quota-check.js';

/** Quotas and what is left of them, as draft-ietf-httpapi-ratelimit-headers-10 writes them; none: no header. */
export function tellQuotas(response: Response, standings: readonly QuotaStanding[] = []): void {
  if (standings.length === 0) return;
  response.setHeader('RateLimit-Policy', standings.map(policyOf).join(', '));
  response.setHeader('RateLimit', standings.map(standingOf).join(', '));
}

function policyOf({ name, limit, windowSeconds }: QuotaStanding): string {
  return `"${name}";q=${limit}${windowSeconds === undefined ? '' : `;w=${windowSeconds}`}`;
}

function standingOf({ name, remaining, resetSeconds }: QuotaStanding): string {
  return `"${name}";r=${remaining}${resetSeconds === undefined ? '' : `;t=${resetSeconds}`}`;
}
