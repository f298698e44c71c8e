import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultClient } from './fault-client.js';
import type { SeededRandom } from './seeded-random.js';

export interface CancelRace {
  end: string | undefined;
  /** What two cancels at the same moment were told. */
  replies: { status: number; state: string | undefined }[];
}

/** Cancels jobs at moments spread over the time that they take, `lanes` jobs at once. */
export async function raceCancels(
  client: FaultClient,
  { races, lanes, random }: { races: number; lanes: number; random: SeededRandom },
): Promise<CancelRace[]> {
  const outcomes: CancelRace[] = [];
  /** About the time that a job takes, found by the way the races end: half of them are to be lost. */
  let usualMs = 200;
  let begun = 0;
  const lane = async (): Promise<void> => {
    while (begun < races) {
      begun += 1;
      const id = await client.submit(`race-${begun}`, { num_inference_steps: 2 });
      const ended = client.follow(id).then((events) => events.at(-1)?.type);
      await sleep((0.5 + random.next()) * usualMs);
      const replies = await Promise.all([client.cancel(id), client.cancel(id)]);
      const end = await ended;
      usualMs *= end === 'succeeded' ? 0.9 : 1.1;
      outcomes.push({ end, replies });
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return outcomes;
}
