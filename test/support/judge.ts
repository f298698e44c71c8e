import { expect } from 'vitest';
import type { FaultClient } from './fault-client.js';
import { figuresTable } from './fault-figures.js';
import type { FaultStack } from './fault-stack.js';
import { gatherEvidence } from './gather-evidence.js';
import { checkHistory, type Evidence, type Verdict } from './history-checker.js';

/** Holds a stack against its history: prints the figures, fails on any broken promise. */
export async function judge(
  title: string,
  stack: FaultStack,
  client: FaultClient,
): Promise<{ evidence: Evidence; verdict: Verdict }> {
  await stack.untilServing();
  const evidence = await gatherEvidence(stack, client);
  const verdict = checkHistory(evidence);
  console.log(figuresTable(title, { ...evidence, verdict }));
  expect(verdict.violations).toEqual([]);
  return { evidence, verdict };
}
