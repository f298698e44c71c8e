import { expect } from 'vitest';
import type { FaultClient } from './fault-client.js';
import { figuresTable } from './fault-figures.js';
import type { FaultStack } from './fault-stack.js';
import { gatherEvidence } from './gather-evidence.js';
import { checkHistory, orphansOf, type Evidence, type Verdict } from './history-checker.js';
import { untilTrue } from './until-true.js';

/** Half a minute after a job's end what it left is removed; the sweep takes turns. */
const tidiedWithinMs = 60_000;

/** Holds a stack against its history: prints the figures, fails on any broken promise. */
export async function judge(
  title: string,
  stack: FaultStack,
  client: FaultClient,
): Promise<{ evidence: Evidence; verdict: Verdict }> {
  await stack.untilServing();
  await untilTrue('what jobs without a result have left is removed', tidiedWithinMs, async () => {
    const [jobs, objects] = await Promise.all([client.jobs(), stack.results()]);
    return orphansOf({ jobs, objects }).length === 0;
  });
  const evidence = await gatherEvidence(stack, client);
  const verdict = checkHistory(evidence);
  console.log(figuresTable(title, { ...evidence, verdict }));
  expect(verdict.violations).toEqual([]);
  return { evidence, verdict };
}
