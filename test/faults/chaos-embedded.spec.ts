// Nothing is lost and nothing doubled on the embedded database while gateway and worker are killed at seeded moments.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runChaos } from '../support/chaos.js';
import { FaultClient } from '../support/fault-client.js';
import { FaultStack } from '../support/fault-stack.js';
import { judge } from '../support/judge.js';
import { SeededRandom } from '../support/seeded-random.js';
import { isFull, scaled, seed } from './fault-scale.js';

const kills = scaled(10, 110);
/** Nobody promises how long one job takes while it is killed again and again; whether any is begun, `runChaos` watches. */
const patienceMs = scaled(120_000, 600_000);

describe(`one gateway and one worker, killed ${kills} times (FAULTS_SEED=${seed})`, () => {
  let stack: FaultStack;
  beforeAll(async () => {
    stack = await FaultStack.start();
  });
  afterAll(() => stack?.stop());

  it('keeps every promise', { timeout: scaled(180_000, 1_800_000) }, async () => {
    const random = new SeededRandom(seed);
    const client = new FaultClient(stack.urls, stack.history, random, patienceMs);
    await runChaos(stack, client, { kills, lanes: 6, cancels: scaled(0, 0.2), random });
    const { verdict } = await judge('embedded database, 1 gateway, 1 worker', stack, client);
    const canceled = isFull ? ['canceled'] : [];
    expect(Object.keys(verdict.states).toSorted()).toEqual([...canceled, 'succeeded']);
  });
});
