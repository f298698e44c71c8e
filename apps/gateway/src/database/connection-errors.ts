import { DomainError } from '../errors/domain-error.js';

/** Node's names for a server that cannot be reached or a connection that broke. */
const socketCodes: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
]);

/**
 * SQLSTATE: connection exceptions, insufficient resources, operator intervention (shutdown, starting up, failover), and the
 * server's own time limits for a statement (57014) and for an idle transaction (25P03): it is there, and too slow.
 */
const serverCodes = /^(08...|53...|57P0[1-5]|57014|25006|25P03)$/;

/** What `pg` itself says, without a code, about a connection that is gone. */
const lostConnection =
  /connection terminated|query read timeout|timeout exceeded when trying to connect|connection error|not queryable/i;

/** A database that cannot be reached becomes `storage-unavailable`, so that callers may try again; the rest stays. */
export function toDatabaseError(thrown: unknown): unknown {
  return isConnectionTrouble(thrown)
    ? new DomainError('storage-unavailable', 'The database does not answer.', { cause: thrown })
    : thrown;
}

function isConnectionTrouble(thrown: unknown): boolean {
  if (thrown instanceof AggregateError) return thrown.errors.some(isConnectionTrouble);
  if (!(thrown instanceof Error)) return false;
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
  return socketCodes.has(code) || serverCodes.test(code) || (code === '' && lostConnection.test(thrown.message));
}
