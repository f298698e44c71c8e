import { createHash } from 'node:crypto';
import { inflateSync } from 'node:zlib';

import { describe, expect, it } from 'vitest';

import type { DrawingEvent, DrawingTask, DrawnPerson } from '../domain/illustrator.js';
import type { LoraFile } from '../domain/lora-file.js';
import { FakeIllustrator } from './fake-illustrator.js';

const task: DrawingTask = {
  jobId: 'job',
  requestId: 'request',
  prompt: 'the lake',
  numInferenceSteps: 3,
  people: [{ referenceImages: [Buffer.from('ada')], ipAdapterScale: 0.5 }],
  ipAdapterMode: 'full',
  seed: 7,
};
const bob = { referenceImages: [Buffer.from('bob')], ipAdapterScale: 0.5 };
const weights = Buffer.from('weights');
const file: LoraFile = {
  loraId: 'oil',
  version: '1',
  sizeBytes: weights.length,
  async *read() {
    yield weights.subarray(0, 3);
    yield weights.subarray(3);
  },
};
const present = new AbortController().signal;
const inAMinute = new Date(Date.now() + 60_000);

async function draw(change: Partial<DrawingTask> = {}, deadline = inAMinute): Promise<DrawingEvent[]> {
  const events: DrawingEvent[] = [];
  const drawing = new FakeIllustrator(0).draw({ ...task, ...change }, { signal: present, deadline });
  for await (const event of drawing) events.push(event);
  return events;
}

async function pngOf(change: Partial<DrawingTask> = {}): Promise<Buffer> {
  const last = (await draw(change)).at(-1);
  if (last?.type !== 'finished') throw new Error('no picture');
  return last.drawing.png;
}

describe('FakeIllustrator', () => {
  it('tells every step and then the picture', async () => {
    const events = await draw();
    expect(events.map((event) => (event.type === 'step' ? `step ${event.index}/${event.total}` : event.type))).toEqual([
      'started',
      'step 1/3',
      'step 2/3',
      'step 3/3',
      'finished',
    ]);
  });

  it('draws the size asked for', async () => {
    const png = await pngOf({ width: 128, height: 72 });
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([128, 72]);
  });

  it('draws a PNG of 64 x 64 grey pixels', async () => {
    const png = await pngOf();
    expect(png.subarray(1, 4).toString()).toBe('PNG');
    expect([png.readUInt32BE(16), png.readUInt32BE(20), png[24], png[25]]).toEqual([64, 64, 8, 0]);
    const dataLength = png.readUInt32BE(33);
    expect(png.toString('latin1', 37, 41)).toBe('IDAT');
    expect(inflateSync(png.subarray(41, 41 + dataLength))).toHaveLength(65 * 64);
    // The trailer of every PNG, with the checksum the specification prints for it.
    expect(png.subarray(-12).toString('hex')).toBe('0000000049454e44ae426082');
  });

  it('draws the same for the same task and another for anything that counts', async () => {
    expect(await pngOf()).toEqual(await pngOf({ jobId: 'other', requestId: 'other' }));
    expect(await pngOf()).not.toEqual(await pngOf({ seed: 8 }));
    expect(await pngOf()).not.toEqual(await pngOf({ prompt: 'the sea' }));
    expect(await pngOf()).not.toEqual(await pngOf({ people: [bob] }));
    expect(await pngOf()).not.toEqual(await pngOf({ people: [...task.people, bob] }));
    expect(await pngOf()).not.toEqual(await pngOf({ ipAdapterMode: 'style' }));
    const left = { left: 0, top: 0, right: 0.5, bottom: 1 };
    expect(await pngOf()).not.toEqual(await pngOf({ people: task.people.map((one) => ({ ...one, region: left })) }));
    const unsteered = (one: DrawnPerson) => ({ people: [{ ...one, ipAdapterScale: 0 }] });
    expect(await pngOf(unsteered(bob))).toEqual(await pngOf(unsteered({ ...bob, referenceImages: [] })));
  });

  it('draws another picture with each LoRA, each version and each scale of it, and says which file it was', async () => {
    const pngs = [
      await pngOf(),
      await pngOf({ lora: { file, scale: 1 } }),
      await pngOf({ lora: { file, scale: 0.5 } }),
      await pngOf({ lora: { file: { ...file, version: '2' }, scale: 1 } }),
      await pngOf({ lora: { file: { ...file, loraId: 'ink' }, scale: 1 } }),
    ];
    expect(new Set(pngs.map((png) => png.toString('hex'))).size).toBe(5);
    expect(await pngOf({ lora: { file, scale: 0 } })).toEqual(pngs[0]);
    const last = (await draw({ lora: { file, scale: 1 } })).at(-1);
    const loraSha256 = createHash('sha256').update(weights).digest('hex');
    expect(last).toMatchObject({ type: 'finished', drawing: { loraSha256 } });
  });

  it('goes on from a checkpoint of the same task, and from no other', async () => {
    const events = await draw({ numInferenceSteps: 25, previewEvery: 12 });
    const checkpoints = events.flatMap((event) => (event.type === 'checkpoint' ? [event.checkpoint] : []));
    const previews = events.flatMap((event) => (event.type === 'preview' ? [event.preview.step] : []));
    expect(checkpoints.map(({ step }) => step)).toEqual([10, 20]);
    expect(previews).toEqual([12, 24]);

    const rest = await draw({ numInferenceSteps: 25, ...(checkpoints[1] && { checkpoint: checkpoints[1] }) });
    expect(rest.filter(({ type }) => type === 'step')).toHaveLength(5);
    expect(await pngOf({ numInferenceSteps: 25, ...(checkpoints[1] && { checkpoint: checkpoints[1] }) })).toEqual(
      await pngOf({ numInferenceSteps: 25 }),
    );
    const other = await draw({ numInferenceSteps: 25, seed: 8, ...(checkpoints[1] && { checkpoint: checkpoints[1] }) });
    expect(other.filter(({ type }) => type === 'step')).toHaveLength(25);
  });

  it('stops when it is told to', async () => {
    const gone = new AbortController();
    const events: string[] = [];
    const drawing = async (): Promise<void> => {
      for await (const event of new FakeIllustrator(0).draw(task, { signal: gone.signal, deadline: inAMinute })) {
        events.push(event.type);
        if (event.type === 'step') gone.abort();
      }
    };
    await expect(drawing()).rejects.toMatchObject({ reason: 'canceled' });
    expect(events).toEqual(['started', 'step']);
  });

  it('stops when the time is up', async () => {
    await expect(draw({}, new Date(0))).rejects.toMatchObject({ reason: 'deadline-exceeded' });
  });
});
