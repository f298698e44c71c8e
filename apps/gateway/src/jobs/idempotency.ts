import { createHash } from 'node:crypto';
import type { Transaction } from '../database/database.js';
import { DomainError } from '../errors/domain-error.js';
import type { JsonValue } from './domain/job.js';
import type { IdempotencyClaim } from './new-job.js';

const keptHours = 24;

/** SHA-256 over the value with its members in order, so that two spellings of one request are one request. */
export function hashRequest(value: JsonValue): string {
  return createHash('sha256').update(canonical(value)).digest('hex');
}

function canonical(value: JsonValue | undefined): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .toSorted(([one], [other]) => (one < other ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`;
}

export function keyReused(): DomainError {
  return new DomainError('idempotency-key-reused', 'The idempotency key was used for another request.');
}

/**
 * Claims the key for a job, in the transaction that makes the job: both exist or neither. A rival with the same key
 * waits here until this transaction has ended.
 *
 * @returns the job the key belongs to already, or undefined: it is this job's now
 * @throws DomainError `idempotency-key-reused`
 */
export async function claimKey(
  tx: Transaction,
  { tenant, id, claim }: { tenant: string; id: string; claim: IdempotencyClaim },
): Promise<string | undefined> {
  const claimed = await tx.query(
    `INSERT INTO illustration.idempotency_keys AS k (tenant, key, request_hash, job_id, expires_at)
     VALUES ($1, $2, $3, $4::uuid, clock_timestamp() + interval '${keptHours} hours')
     ON CONFLICT (tenant, key) DO UPDATE
       SET request_hash = excluded.request_hash, job_id = excluded.job_id, expires_at = excluded.expires_at
       WHERE k.expires_at <= clock_timestamp()
     RETURNING job_id`,
    [tenant, claim.key, claim.requestHash, id],
  );
  if (claimed.length > 0) return undefined;
  const [owner] = await tx.query<{ requestHash: string; jobId: string }>(
    `SELECT request_hash AS "requestHash", job_id AS "jobId"
     FROM illustration.idempotency_keys WHERE tenant = $1 AND key = $2`,
    [tenant, claim.key],
  );
  if (owner === undefined) throw new Error('an idempotency key went away within its time');
  if (owner.requestHash !== claim.requestHash) {
    throw keyReused();
  }
  return owner.jobId;
}
