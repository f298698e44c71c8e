// The checker sees what it is there to see: each promise that is broken is told, and nothing else is.
import { describe, expect, it } from 'vitest';
import type { HistoryEntry } from '../support/fault-history.js';
import { checkHistory, type Evidence } from '../support/history-checker.js';

const start = 1_000_000;

/** Two jobs, drawn and stored as they should be. */
function goodEvidence(): Evidence & {
  events: Map<string, { seq: number; type: string }[]>;
  objects: Map<string, string>;
} {
  const names = ['a', 'b'];
  return {
    history: names.flatMap((name): HistoryEntry[] => [
      { type: 'asked', at: start, key: `key-${name}` },
      { type: 'accepted', at: start + 10, key: `key-${name}`, jobId: name, isReplay: false, latencyMs: 10 },
      { type: 'ended', at: start + 2000, jobId: name, state: 'succeeded' },
    ]),
    jobs: names.map((name) => ({
      job_id: name,
      state: 'succeeded',
      data: [{ s3_uri: `s3://local/${name}.png`, sha256: `sha-${name}` }],
      receipt: { adopted: false },
    })),
    events: new Map(
      names.map((name) => [name, ['queued', 'started', 'succeeded'].map((type, at) => ({ seq: at + 1, type }))]),
    ),
    objects: new Map(names.map((name) => [`s3://local/${name}.png`, `sha-${name}`])),
    runs: names.map((jobId) => ({ jobId, worker: 'worker-0', startedAt: start + 100, finishedAt: start + 1000 })),
  };
}

describe('the history checker', () => {
  it('finds nothing where all is well', () => {
    expect(checkHistory(goodEvidence())).toEqual({
      violations: [],
      accepted: 2,
      lost: 0,
      duplicated: 0,
      states: { succeeded: 2 },
      drawnAgain: 0,
      adopted: 0,
    });
  });

  it('finds a job that was accepted and is gone', () => {
    const evidence = goodEvidence();
    evidence.jobs.splice(0, 1);
    evidence.objects.delete('s3://local/a.png');
    const { violations, lost } = checkHistory(evidence);
    expect(lost).toBe(1);
    expect(violations).toEqual(['lost: a was accepted and is unknown', 'changed: a was seen succeeded and is unknown']);
  });

  it('finds a job that never ended', () => {
    const evidence = goodEvidence();
    evidence.history = evidence.history.filter((entry) => entry.type !== 'ended');
    evidence.jobs[0] = { job_id: 'a', state: 'running' };
    evidence.events.set('a', [{ seq: 1, type: 'queued' }]);
    evidence.objects.delete('s3://local/a.png');
    expect(checkHistory(evidence).violations).toEqual(['lost: a was accepted and is still running']);
  });

  it('finds two jobs of one key', () => {
    const evidence = goodEvidence();
    evidence.history.push({ type: 'accepted', at: start, key: 'key-a', jobId: 'b', isReplay: false, latencyMs: 1 });
    expect(checkHistory(evidence)).toMatchObject({ duplicated: 1, violations: ['duplicated: key-a is a and b'] });
  });

  it('finds a job that nobody was told of', () => {
    const evidence = goodEvidence();
    evidence.history = evidence.history.filter((entry) => !('jobId' in entry) || entry.jobId !== 'b');
    expect(checkHistory(evidence)).toMatchObject({ duplicated: 1, violations: ['duplicated: nobody knows of b'] });
  });

  it('finds two ends of one job', () => {
    const evidence = goodEvidence();
    evidence.events.get('a')?.push({ seq: 4, type: 'succeeded' });
    expect(checkHistory(evidence).violations).toEqual(['events: a ended 2 times']);
  });

  it('finds an end that was changed', () => {
    const evidence = goodEvidence();
    evidence.history.push({ type: 'ended', at: start, jobId: 'a', state: 'canceled' });
    expect(checkHistory(evidence).violations).toEqual(['changed: a was seen canceled and is succeeded']);
  });

  it('finds an end that is not the last event, and one that is another than the job says', () => {
    const evidence = goodEvidence();
    evidence.events.get('a')?.push({ seq: 4, type: 'progress' });
    evidence.events.set('b', [{ seq: 1, type: 'failed' }]);
    expect(checkHistory(evidence).violations).toEqual([
      'events: a went on after its end',
      'events: b is succeeded, its last event failed',
    ]);
  });

  it.each([
    ['a hole', [1, 3]],
    ['a double', [1, 1, 2]],
    ['a late start', [2, 3]],
  ])('finds %s in the numbers of the events', (_, numbers) => {
    const evidence = goodEvidence();
    evidence.events.set(
      'a',
      numbers.map((seq, at) => ({ seq, type: at === numbers.length - 1 ? 'succeeded' : 'progress' })),
    );
    expect(checkHistory(evidence).violations).toEqual([`events: those of a are ${numbers.join(', ')}`]);
  });

  it('finds a picture with another digest, and one that is missing', () => {
    const evidence = goodEvidence();
    evidence.objects.set('s3://local/a.png', 'half');
    evidence.objects.delete('s3://local/b.png');
    expect(checkHistory(evidence).violations).toEqual([
      'object: s3://local/a.png of a has another digest',
      'object: s3://local/b.png of b is missing',
    ]);
  });

  it('finds an object without a job, and the object of a job that did not succeed', () => {
    const evidence = goodEvidence();
    evidence.objects.set('s3://local/c.png', 'sha-c');
    evidence.history = evidence.history.filter((entry) => entry.type !== 'ended');
    evidence.jobs[0] = { job_id: 'a', state: 'canceled' };
    evidence.events.set('a', [{ seq: 1, type: 'canceled' }]);
    expect(checkHistory(evidence).violations).toEqual([
      'orphan: s3://local/a.png belongs to no succeeded job',
      'orphan: s3://local/c.png belongs to no succeeded job',
    ]);
  });

  it('finds two jobs with one picture, and a success without one', () => {
    const evidence = goodEvidence();
    evidence.jobs[1] = { job_id: 'b', state: 'succeeded', data: evidence.jobs[0]?.data ?? [] };
    evidence.jobs.push({ job_id: 'c', state: 'succeeded' });
    evidence.history.push({ type: 'accepted', at: start, key: 'key-c', jobId: 'c', isReplay: false, latencyMs: 1 });
    evidence.events.set('c', [{ seq: 1, type: 'succeeded' }]);
    expect(checkHistory(evidence).violations).toEqual([
      'object: c is succeeded with 0 results',
      'object: s3://local/a.png belongs to 2 results',
      'orphan: s3://local/b.png belongs to no succeeded job',
    ]);
  });

  describe('of a picture that was drawn twice', () => {
    const second = { jobId: 'a', worker: 'worker-1', startedAt: start + 5000, finishedAt: start + 6000 };
    const fault = (process: string, at: number): HistoryEntry => ({ type: 'fault', at, process, signal: 'SIGKILL' });

    it.each([
      ['no fault', []],
      ['a fault before the first was drawn', [fault('worker-0', start + 500)]],
      ['a fault elsewhere', [fault('worker-1', start + 1100)]],
      ['a fault after the second had begun', [fault('worker-0', start + 5500)]],
    ])('tells that it was for nothing: %s', (_, faults) => {
      const evidence = goodEvidence();
      evidence.runs.push(second);
      evidence.history.push(...faults);
      const { drawnAgain, violations } = checkHistory(evidence);
      expect(drawnAgain).toBe(1);
      expect(violations).toEqual(['drawn again: a on worker-1, though no fault had cut it']);
    });

    it.each(['gateway-0', 'worker-0'])('only counts it where a kill of %s came between', (process) => {
      const evidence = goodEvidence();
      evidence.runs.push(second);
      evidence.history.push(fault(process, start + 1010));
      expect(checkHistory(evidence)).toMatchObject({ drawnAgain: 1, violations: [] });
    });

    it.each([
      ['was still stopped', start + 4000, []],
      ['was going on again', start + 900, ['drawn again: a on worker-1, though no fault had cut it']],
    ])('sees whether a gateway that was stopped meanwhile %s when the first was drawn', (_, goneOnAt, expected) => {
      const evidence = goodEvidence();
      evidence.runs.push(second);
      evidence.history.push({ type: 'fault', at: start + 500, process: 'gateway-0', signal: 'SIGSTOP' });
      evidence.history.push({ type: 'fault', at: goneOnAt - 200, process: 'gateway-0', signal: 'SIGCONT' });
      expect(checkHistory(evidence).violations).toEqual(expected);
    });

    it('knows how many pictures a cancelled job was to have, though it shows none', () => {
      const evidence = goodEvidence();
      evidence.jobs[0] = { job_id: 'a', state: 'canceled' };
      evidence.objects.delete('s3://local/a.png');
      evidence.events.set('a', [{ seq: 1, type: 'canceled' }]);
      evidence.history = [
        { type: 'accepted', at: start, key: 'key-a', jobId: 'a', isReplay: false, latencyMs: 1, images: 2 },
        { type: 'accepted', at: start, key: 'key-b', jobId: 'b', isReplay: false, latencyMs: 1 },
      ];
      evidence.runs.push({ ...second, worker: 'worker-0', startedAt: start + 1100 });
      expect(checkHistory(evidence)).toMatchObject({ drawnAgain: 0, violations: [] });
      evidence.runs.push({ ...second, worker: 'worker-0', startedAt: start + 7000, finishedAt: start + 8000 });
      expect(checkHistory(evidence)).toMatchObject({ drawnAgain: 1 });
    });

    it('takes a run that was cut short for no drawing', () => {
      const evidence = goodEvidence();
      evidence.runs.unshift({ jobId: 'a', worker: 'worker-0', startedAt: start + 20, abandonedAt: start + 50 });
      expect(checkHistory(evidence)).toMatchObject({ drawnAgain: 0, violations: [] });
    });
  });
});
