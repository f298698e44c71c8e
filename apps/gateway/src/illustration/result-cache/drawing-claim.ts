import { randomUUID } from 'node:crypto';

/** The right to draw a picture that other instances wait for meanwhile. */
export interface DrawingClaim {
  release(): Promise<void>;
}

/** Of an instance that shares with nobody. */
export const unsharedClaim: DrawingClaim = { release: () => Promise.resolve() };

/** The commands of Redis that a claim needs. */
export interface ClaimStore {
  set(
    key: string,
    value: string,
    options: { condition: 'NX'; expiration: { type: 'PX'; value: number } },
  ): Promise<unknown>;
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
}

/** An instance that dies keeps the others from drawing for so long. */
const lapsesAfterDeathMs = 15_000;
/** Both only while the claim is ours: one that has lapsed may be another's by now. */
const renewal = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end`;
const removal = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end`;

/**
 * Claims a name until it is released.
 *
 * @param onTrouble the claim could not be renewed or given back: then it lapses, and two may draw
 * @returns undefined: another has claimed it
 */
export async function claimDrawing(
  store: ClaimStore,
  name: string,
  onTrouble: (error: unknown) => void,
  lapsesAfterMs = lapsesAfterDeathMs,
): Promise<DrawingClaim | undefined> {
  const token = randomUUID();
  const expiration = { type: 'PX', value: lapsesAfterMs } as const;
  if ((await store.set(name, token, { condition: 'NX', expiration })) === null) return undefined;
  const renew = (): void => {
    store.eval(renewal, { keys: [name], arguments: [token, String(lapsesAfterMs)] }).catch(onTrouble);
  };
  const timer = setInterval(renew, lapsesAfterMs / 3);
  timer.unref();
  return {
    release: async () => {
      clearInterval(timer);
      await store.eval(removal, { keys: [name], arguments: [token] }).catch(onTrouble);
    },
  };
}
