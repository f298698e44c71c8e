/** `FAULTS=full` is the long form of the fault tests, `npm run faults`; without it they are a part of `npm test`. */
export const isFull = process.env.FAULTS === 'full';

export function scaled(short: number, full: number): number {
  return isFull ? full : short;
}

/** Repeats a run: `FAULTS_SEED=...`. */
export const seed = Number(process.env.FAULTS_SEED ?? Date.now() % 1_000_000);
