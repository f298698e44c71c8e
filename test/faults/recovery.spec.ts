// One fault at a time: what a caller sees of it, and that the work goes on.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readEvents } from '../support/event-pages.js';
import { FaultClient, isConnectionError } from '../support/fault-client.js';
import { FaultStack } from '../support/fault-stack.js';
import type { FinalEvent } from '../support/history-checker.js';
import { judge } from '../support/judge.js';
import { SeededRandom } from '../support/seeded-random.js';
import { untilTrue } from '../support/until-true.js';
import { seed } from './fault-scale.js';

const timeout = 60_000;
const attempts = 3;

describe('a service', () => {
  let stack: FaultStack;
  let client: FaultClient;
  beforeAll(async () => {
    const env = { FAKE_STEP_SECONDS: '0.02', STEP_TIMEOUT_SECONDS: '1', JOB_MAX_ATTEMPTS: String(attempts) };
    stack = await FaultStack.start({ env });
    client = new FaultClient(stack.urls, stack.history, new SeededRandom(seed));
  });
  afterAll(() => stack?.stop());

  const untilDrawn = (jobId: string, runs = 1): Promise<unknown> =>
    untilTrue(`${jobId} is begun`, 20_000, () => stack.runsOf(jobId).length >= runs);
  const gateway = () => part(stack.gateways);
  const worker = () => part(stack.workers);

  it('goes on with an event stream over the death of the gateway, without a gap', { timeout }, async () => {
    const id = await client.submit('watched', { num_inference_steps: 60 });
    const before: FinalEvent[] = [];
    const signal = AbortSignal.timeout(20_000);
    const cut = await readEvents(`${stack.urls[0]}/v1/jobs/${id}/events`, { after: 0, signal }, (event) => {
      before.push(event);
      if (event.type === 'progress') stack.strike(gateway());
    }).catch((error: unknown) => error);
    expect(isConnectionError(cut)).toBe(true);

    const after: FinalEvent[] = [];
    await stack.untilServing();
    const from = { after: before.at(-1)?.seq ?? 0, signal: AbortSignal.timeout(20_000) };
    await readEvents(`${stack.urls[0]}/v1/jobs/${id}/events`, from, (event) => after.push(event));
    const all = [...before, ...after];
    expect(all.map(({ seq }) => seq)).toEqual(all.map((_, index) => index + 1));
    expect(all.map(({ type }) => type)).toContain('requeued');
    expect(all.at(-1)?.type).toBe('succeeded');
  });

  it('tries again what a worker hangs over, and takes no late result', { timeout }, async () => {
    const id = await client.submit('hung', { num_inference_steps: 60 });
    await untilDrawn(id);
    stack.strike(worker(), 'SIGSTOP');
    const seen: FinalEvent[] = [];
    const watch = readEvents(
      `${stack.urls[0]}/v1/jobs/${id}/events`,
      { after: 0, signal: AbortSignal.timeout(timeout) },
      (event) => {
        seen.push(event);
        if (event.type === 'requeued') stack.strike(worker(), 'SIGCONT');
      },
    );
    await watch;
    expect(seen.map(({ type }) => type).filter((type) => type !== 'progress')).toEqual([
      'queued',
      'started',
      'requeued',
      'started',
      'succeeded',
    ]);
    expect(stack.runsOf(id).filter(({ finishedAt }) => finishedAt !== undefined)).toHaveLength(1);
  });

  it('does not take a job to hang that waits its turn behind a long one', { timeout }, async () => {
    const first = await client.submit('long', { num_inference_steps: 90 });
    const second = await client.submit('behind', { num_inference_steps: 2 });
    await Promise.all([client.follow(first), client.follow(second)]);
    const [before] = stack.runsOf(first);
    const [after] = stack.runsOf(second);
    // Longer than a step may take, or it would show nothing.
    expect((after?.startedAt ?? 0) - (before?.startedAt ?? 0)).toBeGreaterThan(1500);
    expect(await client.job(second)).toMatchObject({ attempt: 1, state: 'succeeded' });
  });

  let poison = '';
  it(`gives up a job that kills its worker ${attempts} times, and harms no other`, { timeout }, async () => {
    poison = await client.submit('poison', { num_inference_steps: 60 });
    const others = await Promise.all(['b', 'c', 'd', 'e', 'f'].map((name) => client.submit(`beside-${name}`)));
    for (let kills = 1; kills <= attempts; kills += 1) {
      await untilDrawn(poison, kills);
      stack.strike(worker());
    }
    const [ended, ...ends] = await Promise.all([poison, ...others].map((id) => client.follow(id)));
    expect(ended?.at(-1)?.type).toBe('failed');
    expect(await client.job(poison)).toMatchObject({ error: { error: 'attempts-exhausted' } });
    expect(ends.map((events) => events.at(-1)?.type)).toEqual(others.map(() => 'succeeded'));
  });

  it('ends 20 waiting jobs after everything was killed at once', { timeout }, async () => {
    const names = Array.from({ length: 20 }, (_, index) => `waiting-${index}`);
    const ids = await Promise.all(names.map((name) => client.submit(name, { num_inference_steps: 5 })));
    await untilTrue('one is drawn', 20_000, () => ids.some((id) => stack.runsOf(id).length > 0));
    await stack.killAll();
    stack.startAll();
    const ends = await Promise.all(ids.map((id) => client.follow(id)));
    expect(ends.map((events) => events.at(-1)?.type)).toEqual(ids.map(() => 'succeeded'));
  });

  it('goes down in order under load, loses nothing, and draws again what an operator wants', { timeout }, async () => {
    const names = Array.from({ length: 6 }, (_, index) => `drained-${index}`);
    const ids = await Promise.all(names.map((name) => client.submit(name, { num_inference_steps: 20 })));
    await untilTrue('one is drawn', 20_000, () => ids.some((id) => stack.runsOf(id).length > 0));
    expect(await gateway().end('SIGTERM')).toBe(0);
    // Whatever had begun was finished or handed back; nothing is left to be found by its lapsed lease.
    const again = /again as (\S+)/.exec(stack.redrive('--all'))?.[1] ?? '';
    expect(stack.redrive(poison)).toBe(`${poison} is drawn again as ${again}, as it was told before\n`);
    stack.history.append({ type: 'accepted', key: 'redriven', jobId: again, isReplay: true, latencyMs: 0 });
    gateway().start();
    expect((await client.follow(again)).at(-1)?.type).toBe('succeeded');
    const ends = await Promise.all(ids.map((id) => client.follow(id)));
    expect(ends.map((events) => events.at(-1)?.type)).toEqual(ids.map(() => 'succeeded'));
    expect(stack.linesOf('gateway-0').map(({ msg }) => msg)).not.toContain('the end of the run was not written');
  });

  it('has kept every promise', { timeout }, async () => {
    const { verdict } = await judge('one fault at a time, embedded database', stack, client);
    expect(verdict.states).toMatchObject({ failed: 1 });
  });
});

function part<T>(parts: T[]): T {
  if (parts[0] === undefined) throw new Error('there is none');
  return parts[0];
}
