import { FaultClient } from './fault-client.js';
import type { FaultStack } from './fault-stack.js';
import { SeededRandom } from './seeded-random.js';

/** Has jobs of so many steps drawn, all asked for at once. @returns seconds until the last one's end, and how each ended */
export async function drawAll(
  stack: FaultStack,
  jobs: number,
  steps: number,
): Promise<{ seconds: number; ends: (string | undefined)[] }> {
  const client = new FaultClient(stack.urls, stack.history, new SeededRandom(1));
  const begunAt = Date.now();
  const ids = await Promise.all(
    Array.from({ length: jobs }, (_, index) => client.submit(`j-${index}`, { num_inference_steps: steps })),
  );
  const events = await Promise.all(ids.map((id) => client.follow(id)));
  return { seconds: (Date.now() - begunAt) / 1000, ends: events.map((of) => of.at(-1)?.type) };
}
