import { keyReused } from './idempotency.js';
import type { IdempotencyClaim } from './new-job.js';

interface Claimed<Accepted> {
  requestHash: string;
  accepted: Promise<Accepted>;
}

/**
 * Duplicates that come while the first one is being accepted wait for it here instead of each in a transaction: a storm
 * of them costs the database nothing. Only a help: duplicates at other gateways meet in `claimKey`.
 */
export class Duplicates<Accepted> {
  private readonly claims = new Map<string, Claimed<Accepted>>();

  /**
   * The first one accepts; the others get what it got, its failure too.
   *
   * @throws DomainError `idempotency-key-reused` when the first one was another request, and was accepted
   */
  async share(
    tenant: string,
    claim: IdempotencyClaim,
    accept: () => Promise<Accepted>,
  ): Promise<{ accepted: Accepted; isFirst: boolean }> {
    // No await before the claim is set, or all of a storm would be first.
    const name = JSON.stringify([tenant, claim.key]);
    const first = this.claims.get(name);
    if (first === undefined) return { accepted: await this.lead(name, claim, accept), isFirst: true };
    if (first.requestHash === claim.requestHash) return { accepted: await first.accepted, isFirst: false };
    const isKeyTaken = await first.accepted.then(
      () => true,
      () => false,
    );
    if (isKeyTaken) throw keyReused();
    return { accepted: await accept(), isFirst: true };
  }

  private async lead(
    name: string,
    { requestHash }: IdempotencyClaim,
    accept: () => Promise<Accepted>,
  ): Promise<Accepted> {
    const accepted = accept();
    this.claims.set(name, { requestHash, accepted });
    try {
      return await accepted;
    } finally {
      this.claims.delete(name);
    }
  }
}
