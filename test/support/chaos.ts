import { setTimeout as sleep } from 'node:timers/promises';
import { isConnectionError, type FaultClient } from './fault-client.js';
import type { FaultStack } from './fault-stack.js';
import type { SeededRandom } from './seeded-random.js';
import type { RestartedProcess } from './restarted-process.js';
import { untilTrue } from './until-true.js';

export interface Chaos {
  /** Signals to send. A kill of both of a pair counts as two. */
  kills: number;
  /** Clients, each with one job at a time. */
  lanes: number;
  /** Share of jobs, of several pictures each, whose end is asked for at some moment; 0 to 1. */
  cancels?: number;
}

/** After so long without any job begun the service is stuck. The longest pause before an attempt is 30 s. */
const stuckAfterMs = 90_000;
const longestJitterMs = 60;
const longestUntilCancelMs = 1_000;

/** Kills gateways and workers at seeded moments while clients have jobs drawn; returns when every job has ended. */
export async function runChaos(
  stack: FaultStack,
  client: FaultClient,
  { kills, lanes, cancels = 0, random }: Chaos & { random: SeededRandom },
): Promise<void> {
  const over = new AbortController();
  const clients = Promise.all(
    Array.from({ length: lanes }, async (_, lane) => {
      for (let number = 0; !over.signal.aborted; number += 1) {
        const isCanceled = random.next() < cancels;
        const steps = random.integer(2, 30);
        const fields = { num_inference_steps: steps, ...(isCanceled && { n: random.integer(2, 3) }) };
        const id = await client.submit(`lane-${lane}-${number}`, fields);
        const ended = client.follow(id);
        if (isCanceled) await cancelAtRandom(client, id, random);
        await ended;
      }
    }),
  );
  const killer = killAtRandom(stack, kills, random);
  // A client that gave up ends the chaos: it goes on only while it can be observed.
  await Promise.race([killer, clients.then(() => undefined)]).finally(() => over.abort());
  await clients;
}

async function cancelAtRandom(client: FaultClient, id: string, random: SeededRandom): Promise<void> {
  await sleep(random.integer(0, longestUntilCancelMs));
  try {
    await client.cancel(id);
  } catch (error) {
    // It met a gateway that was killed: nobody has promised anything then, and the job goes its way.
    if (!isConnectionError(error)) throw error;
  }
}

async function killAtRandom(stack: FaultStack, kills: number, random: SeededRandom): Promise<void> {
  for (let sent = 0; sent < kills;) {
    // Most kills meet a service that works, some one that is just starting again.
    if (random.next() < 0.85) await untilMoreRuns(stack, random.integer(1, 6));
    await sleep(random.integer(0, longestJitterMs));
    const targets = victims(stack, random);
    targets.forEach((target) => stack.strike(target));
    sent += targets.length;
  }
}

function victims(stack: FaultStack, random: SeededRandom): RestartedProcess[] {
  const number = random.integer(0, stack.gateways.length - 1);
  const pair = [stack.gateways[number], stack.workers[number]].filter((one) => one !== undefined);
  return random.next() < 0.1 ? pair : [random.oneOf(pair)];
}

async function untilMoreRuns(stack: FaultStack, more: number): Promise<void> {
  const before = stack.runs().length;
  await untilTrue('more jobs are begun', stuckAfterMs, () => stack.runs().length >= before + more);
}
