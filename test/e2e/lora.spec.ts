// A LoRA of the object store, handed to the real worker (without a model) once, however many jobs want it.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { portrait } from '../support/avatars.js';
import { RunningService } from '../support/running-service.js';

const key = 'loras/oil/lora.safetensors';
let service: RunningService;

beforeAll(async () => {
  service = await RunningService.start({ ENGINE: 'fake' });
  service.putObject('avatars/ada.png', portrait);
  service.putObject('avatars/bob.png', portrait);
});
afterAll(() => service?.stop());

/** What looks like a safetensors file, with some megabytes of weights. */
function weights(fill: string): Buffer {
  const header = Buffer.from('{"__metadata__": {}}');
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([size, header, Buffer.alloc(6 * 1024 * 1024, fill)]);
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** How often a LoRA went to the worker. */
function handovers(): number {
  return service.logLines().filter(({ msg }) => msg === 'LoRA handed to the worker').length;
}

interface Drawn {
  lora: { id: string; sha256: string; scale: number };
  sha256: string;
}

async function draw(fields: Record<string, unknown> = {}): Promise<Drawn> {
  const body = { user_id: 'ada', prompt: 'A long evening', seed: 7, lora_id: 'oil', ...fields };
  const response = await service.post('/v1/images/memory', body);
  const reply = (await response.json()) as { job_id: string; detail?: string };
  if (response.status !== 200) throw new Error(`${response.status}: ${reply.detail}`);
  const job = (await (await fetch(`${service.url}/v1/jobs/${reply.job_id}`)).json()) as {
    data: { sha256: string }[];
    receipt: { lora: Drawn['lora'] };
  };
  return { lora: job.receipt.lora, sha256: job.data[0]?.sha256 ?? '' };
}

it('goes to the worker once for five jobs at a time, and again when it was replaced', async () => {
  service.putObject(key, weights('first'));
  const drawn = await Promise.all([1, 2, 3, 4, 5].map(() => draw({ lora_scale: 0.5 })));
  const first = { id: 'oil', scale: 0.5, sha256: sha256(weights('first')) };
  expect(drawn.map(({ lora }) => lora)).toEqual(drawn.map(() => first));
  expect(new Set(drawn.map(({ sha256: digest }) => digest)).size).toBe(1);
  expect(handovers()).toBe(1);

  service.putObject(key, weights('second, of other length'));
  expect((await draw({ lora_scale: 0.5 })).lora.sha256).toBe(sha256(weights('second, of other length')));
  expect(handovers()).toBe(2);
  const models = (await (await fetch(`${service.url}/v1/models`)).json()) as { held_loras: { lora_id: string }[] };
  expect(models.held_loras[0]?.lora_id).toBe('oil');
});

it('is refused with a sentence when it is unknown or none, and nothing is drawn without it', async () => {
  const unknown = await service.post('/v1/images/memory', { user_id: 'ada', prompt: 'x', lora_id: 'ink' });
  expect([unknown.status, await unknown.json()]).toMatchObject([422, { error: 'lora-not-found' }]);
  service.putObject('loras/text/lora.safetensors', Buffer.from('a text that is no safetensors file at all'));
  const none = await service.post('/v1/images/memory', { user_id: 'ada', prompt: 'x', lora_id: 'text' });
  expect([none.status, await none.json()]).toMatchObject([
    422,
    { error: 'lora-invalid', detail: expect.stringContaining('LoRA') },
  ]);
});

it('draws people side by side, and another picture when they change places', async () => {
  const people = [{ user_id: 'ada' }, { user_id: 'bob', ip_adapter_scale: 0.9 }];
  const [one, same, other] = [
    await draw({ lora_id: null, people }),
    await draw({ lora_id: null, people }),
    await draw({ lora_id: null, people: people.toReversed() }),
  ];
  expect(same.sha256).toBe(one.sha256);
  expect(other.sha256).not.toBe(one.sha256);
});
