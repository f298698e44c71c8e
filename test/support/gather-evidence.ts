import type { FaultClient } from './fault-client.js';
import type { FaultStack } from './fault-stack.js';
import type { Evidence, FinalEvent, FinalJob } from './history-checker.js';

/** Asks the service, the object store and the logs what has become of everything. */
export async function gatherEvidence(stack: FaultStack, client: FaultClient): Promise<Evidence> {
  const jobs: FinalJob[] = [];
  const events = new Map<string, FinalEvent[]>();
  for (const { job_id: id } of await client.jobs()) {
    // Each by its own page, as a caller would look.
    jobs.push(await client.job(id));
    events.set(id, await client.follow(id));
  }
  return { history: stack.history.entries(), jobs, events, objects: await stack.results(), runs: stack.runs() };
}
