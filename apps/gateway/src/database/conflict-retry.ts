const mostAttempts = 5;

/** serialization_failure and deadlock_detected: the server rolled back, and the same work may well succeed now. */
const conflictCodes: ReadonlySet<unknown> = new Set(['40001', '40P01']);

/** Runs a whole transaction again when it lost a conflict. Nothing of a lost attempt remains, so this is safe. */
export async function retryConflicts<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (let number = 1; ; number += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (number === mostAttempts || !isConflict(error)) throw error;
    }
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof Error && 'code' in error && conflictCodes.has(error.code);
}
