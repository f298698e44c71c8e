// What happens to a job, as server-sent events, on the whole gateway.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { SseReader } from '../../../../../test/support/sse-reader.js';
import { WholeApp } from '../../../../../test/support/whole-app.js';
import { eventually } from '../../../../../test/support/core-app.js';
import { JobEvents } from '../../jobs/job-events.js';
import { JobEventStreams } from './job-events.js';

let whole: WholeApp;

beforeAll(async () => {
  whole = await WholeApp.start();
}, 30_000);
afterEach(() => whole.drawings.release());
afterAll(() => whole.stop());

const urlOf = (id: string) => `${whole.url}/v1/jobs/${id}/events`;
const streams = () => whole.app.get(JobEventStreams, { strict: false });

/** Jobs that somebody watches. The map is private, and a leak in it is exactly what must be seen. */
function watchedJobs(): number {
  const watchers: unknown = Reflect.get(whole.app.get(JobEvents), 'watchers');
  return watchers instanceof Map ? watchers.size : Number.NaN;
}

describe('a stream of events', () => {
  it('tells a job’s whole way, numbered from 1, and ends with the job itself', async () => {
    whole.drawings.hold();
    const id = await whole.accept();
    const reader = await SseReader.open(urlOf(id));
    await reader.until('started');
    whole.drawings.release();
    await reader.ended;

    const { facts, response } = reader;
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-cache');
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    expect(facts.map((fact) => fact.id)).toEqual(facts.map((_, index) => index + 1));
    const names = facts.map(({ event }) => event);
    expect([names[0], names[1], names.at(-1)]).toEqual(['queued', 'started', 'succeeded']);
    expect(new Set(names.slice(2, -1))).toEqual(new Set(['progress']));
    expect(facts[0]?.data).toEqual({ job_id: id, state: 'queued', at: expect.any(String) });
    expect(facts[1]?.data).toMatchObject({ job_id: id, state: 'running', attempt: 1 });
    expect(facts.at(-2)?.data).toMatchObject({ progress: { step: 3, total_steps: 3, image: 1, images: 1 } });
    expect(facts.at(-1)?.data).toEqual(await whole.job(id));
  });

  it('comes back at any event with exactly the rest', async () => {
    const id = await whole.accept({ n: 2, num_inference_steps: 20 });
    const first = await SseReader.open(urlOf(id));
    await first.ended;
    const all = first.facts;
    expect(all.length).toBeGreaterThanOrEqual(4);
    for (const [index, { id: seen }] of all.slice(0, -1).entries()) {
      const byHeader = await SseReader.open(urlOf(id), { headers: { 'Last-Event-ID': String(seen) } });
      const byQuery = await SseReader.open(`${urlOf(id)}?last_event_id=${seen}`);
      await Promise.all([byHeader.ended, byQuery.ended]);
      expect(byHeader.facts.map((fact) => fact.id)).toEqual(all.slice(index + 1).map((fact) => fact.id));
      expect(byHeader.facts.at(-1)).toEqual(all.at(-1));
      expect(byQuery.facts).toEqual(byHeader.facts);
    }
  });

  it('tells a reader that has seen the end not to come back', async () => {
    const id = await whole.accept();
    const reader = await SseReader.open(urlOf(id));
    await reader.ended;
    const last = String(reader.facts.at(-1)?.id);
    const { response } = await SseReader.open(urlOf(id), { headers: { 'Last-Event-ID': last } });
    expect(response.status).toBe(204);
  });

  it('believes the header, which is newer than the address', async () => {
    const id = await whole.accept();
    const reader = await SseReader.open(`${urlOf(id)}?last_event_id=0`, { headers: { 'Last-Event-ID': '1' } });
    await reader.ended;
    expect(reader.facts[0]?.id).toBe(2);
  });

  it('tells two readers the same', async () => {
    whole.drawings.hold();
    const id = await whole.accept();
    const readers = await Promise.all([SseReader.open(urlOf(id)), SseReader.open(urlOf(id))]);
    await readers[0].until('started');
    whole.drawings.release();
    await Promise.all(readers.map(({ ended }) => ended));
    expect(readers[0].facts).toEqual(readers[1].facts);
    expect(readers[0].facts.at(-1)?.event).toBe('succeeded');
  });

  it('never begins, repeats or ends anything by being read or left', async () => {
    whole.drawings.hold();
    const id = await whole.accept();
    const reader = await SseReader.open(urlOf(id));
    await reader.until('started');
    reader.leave();
    await reader.ended;
    whole.drawings.release();
    const again = await SseReader.open(urlOf(id));
    await again.ended;
    expect(again.facts.at(-1)).toMatchObject({ event: 'succeeded', data: { attempt: 1 } });
  });

  it('keeps nothing of readers that vanish', async () => {
    whole.drawings.hold();
    const id = await whole.accept();
    const readers = await Promise.all(Array.from({ length: 20 }, () => SseReader.open(urlOf(id))));
    await Promise.all(readers.map((reader) => reader.until('started')));
    expect(streams().count).toBe(20);
    readers.slice(0, 19).forEach((reader) => reader.leave());
    await eventually(() => streams().count === 1);
    expect(watchedJobs()).toBe(1);
    whole.drawings.release();
    await readers.at(-1)?.ended;
    expect(readers.at(-1)?.facts.at(-1)?.event).toBe('succeeded');
    await eventually(() => streams().count === 0 && watchedJobs() === 0);
  });

  it('tells a waiting job where it stands', async () => {
    whole.drawings.hold();
    const running = await Promise.all(Array.from({ length: 8 }, () => whole.accept()));
    const waiting = [await whole.accept(), await whole.accept()];
    const readers = await Promise.all(waiting.map((id) => SseReader.open(urlOf(id))));
    const places = await Promise.all(readers.map((reader) => reader.until('position')));
    expect(places[0]).toMatchObject({ id: undefined, data: { job_id: waiting[0], queue_position: 0 } });
    expect(places[1]?.data).toMatchObject({ queue_position: 1 });
    expect(await whole.job(waiting[1] ?? '')).toMatchObject({ state: 'queued', queue_position: 1 });
    whole.drawings.release();
    await Promise.all(readers.map(({ ended }) => ended));
    for (const { events } of readers) {
      const startedAt = events.findIndex(({ event }) => event === 'started');
      expect(events.slice(startedAt).map(({ event }) => event)).not.toContain('position');
    }
    expect(running).toHaveLength(8);
  });

  it('answers HEAD with the headers alone', async () => {
    const response = await fetch(urlOf(await whole.accept()), { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
  });

  it.each([
    [400, 'malformed-request', '', { 'Last-Event-ID': 'x' }],
    [400, 'malformed-request', '', { 'Last-Event-ID': '-1' }],
    [422, 'validation-failed', '?last_event_id=x', {}],
    [422, 'validation-failed', '?since=1', {}],
  ])('refuses with %d %s what it does not understand: %s %j', async (status, error, query, headers) => {
    const response = await fetch(`${urlOf(await whole.accept())}${query}`, { headers });
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await response.json()).toMatchObject({ error });
  });

  it('is the answer to a POST that accepts it', async () => {
    const reader = await SseReader.open(`${whole.url}/v1/images/memory`, {
      method: 'POST',
      body: JSON.stringify({ user_id: 'ada', prompt: 'the lake' }),
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    });
    await reader.ended;
    expect(reader.facts[0]?.event).toBe('queued');
    expect(reader.facts.at(-1)).toMatchObject({ event: 'succeeded', data: { state: 'succeeded' } });
  });
});

it('is ended by a shutdown with a hint to come back, and does not hold the shutdown up', async () => {
  const closing = await WholeApp.start({ SHUTDOWN_GRACE_SECONDS: '60' });
  closing.drawings.hold();
  const id = await closing.accept();
  const reader = await SseReader.open(`${closing.url}/v1/jobs/${id}/events`);
  await reader.until('started');
  const stopped = closing.app.close();
  await reader.ended;
  expect(reader.asides).toContain('retry: 1000');
  expect(reader.facts.at(-1)?.event).not.toBe('succeeded');
  closing.drawings.release();
  await stopped;
  await closing.stop();
}, 30_000);
