// One service with two faces: the same fault has the same reason, and names the same field, over REST and over gRPC.
import request from 'supertest';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { aMemory, detailsOf, failureOf, toEnd } from '../../../../../test/support/grpc-calls.js';
import { WholeApp } from '../../../../../test/support/whole-app.js';
import { catalogue } from '../../errors/catalogue.js';
import { isReason, toWireReason } from '../../errors/reason-names.js';
import {
  IpAdapterMode,
  type IllustrateRequest,
  type IllustrationServiceClient,
} from '../../generated/autobio/illustration/v1/illustration.js';
import { JobState, type ListJobsRequest } from '../../generated/autobio/illustration/v1/job.js';

let whole: WholeApp;
let client: IllustrationServiceClient;

beforeAll(async () => {
  whole = await WholeApp.start();
  client = whole.grpcClient();
}, 30_000);
afterAll(async () => {
  client.close();
  await whole.stop();
});

interface Refusal {
  reason: string;
  fields: string[];
}

function restRefusal({
  body,
  status,
}: {
  body: { error: string; errors?: { pointer: string }[] };
  status: number;
}): Refusal {
  const reason = body.error;
  expect(isReason(reason) && catalogue[reason].httpStatus).toBe(status);
  const fields = (body.errors ?? []).map(({ pointer }) => pointer.replace(/^(\/|query:)/, ''));
  return { reason: isReason(reason) ? toWireReason(reason) : '', fields };
}

const region = { left: 0, top: 0, right: 0.5, bottom: 1 };
const [ada, bob] = [{ user_id: 'ada' }, { user_id: 'bob' }];
const five = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ user_id: name }));
const toPerson = ({ user_id: userId }: { user_id: string }) => ({ userId });

it.each<[string, object, Partial<IllustrateRequest>]>([
  ['no user', { user_id: undefined }, { userId: '' }],
  ['a user that is a path', { user_id: '../ada' }, { userId: '../ada' }],
  ['a user with a dot too many', { user_id: 'a..b' }, { userId: 'a..b' }],
  ['no prompt', { prompt: undefined }, { prompt: undefined }],
  ['a blank prompt', { prompt: ' \n' }, { prompt: ' \n' }],
  ['a long prompt', { prompt: 'x'.repeat(2001) }, { prompt: 'x'.repeat(2001) }],
  ['a control character', { prompt: 'a\u0007' }, { prompt: 'a\u0007' }],
  ['a bidi override', { style_prompt: '\u202e' }, { stylePrompt: '\u202e' }],
  ['a long negative prompt', { negative_prompt: 'x'.repeat(2001) }, { negativePrompt: 'x'.repeat(2001) }],
  ['no step', { num_inference_steps: 0 }, { numInferenceSteps: 0 }],
  ['151 steps', { num_inference_steps: 151 }, { numInferenceSteps: 151 }],
  ['a negative scale', { ip_adapter_scale: -0.1 }, { ipAdapterScale: -0.1 }],
  ['a scale of 1.5', { ip_adapter_scale: 1.5 }, { ipAdapterScale: 1.5 }],
  ['guidance of 31', { guidance_scale: 31 }, { guidanceScale: 31 }],
  ['a width of 1001', { width: 1001 }, { width: 1001 }],
  ['a height of 0', { height: 0 }, { height: 0 }],
  ['more than the model draws', { width: 4096 }, { width: 4096 }],
  ['no picture', { n: 0 }, { n: 0 }],
  ['five pictures', { n: 5 }, { n: 5 }],
  ['a LoRA with a slash', { lora_id: 'a/b' }, { loraId: 'a/b' }],
  ['a LoRA that is none', { lora_id: 'sketch' }, { loraId: 'sketch' }],
  ['a LoRA scale of 2.5', { lora_id: 'sketch', lora_scale: 2.5 }, { loraId: 'sketch', loraScale: 2.5 }],
  ['a LoRA scale without a LoRA', { lora_scale: 1 }, { loraScale: 1 }],
  ['an unknown mode', { ip_adapter_mode: 'colour' }, { ipAdapterMode: IpAdapterMode.UNRECOGNIZED }],
  ['five people', { people: five }, { people: five.map(toPerson) }],
  ['somebody twice', { people: [ada, ada] }, { people: [ada, ada].map(toPerson) }],
  ['a person that is a path', { people: [{ user_id: '../a' }] }, { people: [{ userId: '../a' }] }],
  [
    'a person of scale 2',
    { people: [{ ...ada, ip_adapter_scale: 2 }] },
    { people: [{ userId: 'ada', ipAdapterScale: 2 }] },
  ],
  [
    'a region for one of two',
    { people: [{ ...ada, region }, bob] },
    { people: [{ userId: 'ada', region }, toPerson(bob)] },
  ],
  [
    'a region beyond the picture',
    { people: [{ ...ada, region: { ...region, left: -0.5, right: 1.5 } }] },
    { people: [{ userId: 'ada', region: { ...region, left: -0.5, right: 1.5 } }] },
  ],
  [
    'a region of no height',
    { people: [ada, { ...bob, region: { ...region, top: 1 } }].map((one) => ({ region, ...one })) },
    {
      people: [
        { userId: 'ada', region },
        { userId: 'bob', region: { ...region, top: 1 } },
      ],
    },
  ],
  ['two faults', { n: 9, width: 7 }, { n: 9, width: 7 }],
])('refuses %s alike', async (_, body, fields) => {
  const rest = await request(whole.server)
    .post('/v1/images/memory')
    .send({ user_id: 'ada', prompt: 'the lake', ...body });
  const { error, messages } = await toEnd(client.illustrate(aMemory(fields)));
  expect(messages).toEqual([]);
  expect(error).toBeDefined();
  if (error === undefined) return;
  const { reason, fields: named } = detailsOf(error);
  const expected = restRefusal(rest);
  expect({ reason, fields: named.toSorted() }).toEqual({ ...expected, fields: expected.fields.toSorted() });
  const slug: string = rest.body.error;
  expect(isReason(slug) && catalogue[slug].grpcStatus).toBe(error.code);
});

it.each<[string, object, Partial<IllustrateRequest>]>([
  ['a prompt', { prompt: 'x' }, { prompt: 'x' }],
  ['an empty prompt', { prompt: '' }, { prompt: '' }],
  ['an empty style', { style_prompt: '' }, { prompt: undefined, stylePrompt: '' }],
])('refuses a portrait with %s alike', async (_, body, fields) => {
  const rest = await request(whole.server)
    .post('/v1/images/subject')
    .send({ user_id: 'ada', ...body });
  const { error } = await toEnd(client.illustrate(aMemory({ kind: 2, ...fields })));
  expect(error && detailsOf(error)).toMatchObject(restRefusal(rest));
});

it.each([
  ['a space', 'a b'],
  ['256 characters', 'x'.repeat(256)],
])('refuses an idempotency key with %s alike', async (_, key) => {
  const rest = await request(whole.server)
    .post('/v1/images/memory')
    .set('Idempotency-Key', key)
    .send({ user_id: 'ada', prompt: 'the lake' });
  const { error } = await toEnd(client.illustrate(aMemory({ requestId: key })));
  expect(rest.body.error).toBe('idempotency-key-invalid');
  expect(error && detailsOf(error).reason).toBe('IDEMPOTENCY_KEY_INVALID');
});

it.each<[string, string, Partial<ListJobsRequest>]>([
  ['no jobs', 'page_size=0', { pageSize: 0 }],
  ['101 jobs', 'page_size=101', { pageSize: 101 }],
  ['-1 jobs', 'page_size=-1', { pageSize: -1 }],
  ['no state', 'state=', { state: 0 }],
  ['an unknown state', 'state=done', { state: JobState.UNRECOGNIZED }],
  ['a token of its own', 'page_token=abc', { pageToken: 'abc' }],
  ['several faults', 'page_size=0&state=done', { pageSize: 0, state: 0 }],
])('refuses a page with %s alike', async (_, query, fields) => {
  const rest = await request(whole.server).get(`/v1/jobs?${query}`);
  const failure = await failureOf((done) => client.listJobs(fields, done));
  expect(detailsOf(failure)).toMatchObject(restRefusal(rest));
});

it.each(['no-id', '0197f0c0-0000-7000-8000-000000000000'])('does not find the job %s alike', async (jobId) => {
  const rest = await request(whole.server).get(`/v1/jobs/${jobId}`);
  const failure = await failureOf((done) => client.getJob({ jobId }, done));
  expect(detailsOf(failure)).toMatchObject(restRefusal(rest));
  expect(failure.details).toBe(rest.body.detail);
});

it('refuses people of a portrait', async () => {
  const rest = await request(whole.server)
    .post('/v1/images/subject')
    .send({ user_id: 'ada', people: [ada] });
  const { error } = await toEnd(client.illustrate(aMemory({ kind: 2, prompt: undefined, people: [toPerson(ada)] })));
  expect(error && detailsOf(error)).toMatchObject(restRefusal(rest));
});

it.each<[string, unknown, string[]]>([
  ['a field that is none', [{ ...ada, age: 7 }], ['/people/0/age']],
  ['a side that is none', [ada, { ...bob, region: { ...region, front: 1 } }], ['/people/1/region/front']],
  ['a side that is missing', [{ ...ada, region: { top: 0, right: 1, bottom: 1 } }], ['/people/0/region/left']],
  ['a side in quotes', [ada, { ...bob, region: { ...region, left: '0' } }], ['/people/1/region/left']],
  ['a side that is null', [{ ...ada, region: { ...region, left: null } }], ['/people/0/region/left']],
  ['a region that is a list', [{ ...ada, region: [region] }], ['/people/0/region']],
  ['a region that is an empty list', [{ ...ada, region: [] }], ['/people/0/region']],
  ['nobody', [], ['/people']],
  ['somebody who is null', [null], ['/people']],
  ['somebody who is a name', ['ada'], ['/people']],
  ['people that are none', ada, ['/people']],
  ['somebody without a name', [{}], ['/people/0/user_id']],
])('refuses %s in the people of a JSON body, and says where', async (_, people, pointers) => {
  const rest = await request(whole.server)
    .post('/v1/images/memory')
    .send({ user_id: 'ada', prompt: 'the lake', people });
  expect([rest.status, rest.body.error]).toEqual([422, 'validation-failed']);
  expect(rest.body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual(pointers);
});

it('takes the same request with people for the same over REST and gRPC', async () => {
  const people = [
    { ...ada, region: null, ip_adapter_scale: 0 },
    { ...bob, ip_adapter_scale: null },
  ];
  const id = await whole.accept({ people, ip_adapter_mode: 'style', seed: null }, { 'idempotency-key': 'people-1' });
  const { accepted } = await toEnd(
    client.illustrate(
      aMemory({
        people: [{ userId: 'ada', ipAdapterScale: 0 }, { userId: 'bob' }],
        ipAdapterMode: IpAdapterMode.IP_ADAPTER_MODE_STYLE,
        requestId: 'people-1',
      }),
    ),
  );
  expect(accepted?.jobId).toBe(id);
});

it('names no field of a request without a kind', async () => {
  for (const kind of [0, 7]) {
    const { error } = await toEnd(client.illustrate(aMemory({ kind })));
    expect(error && detailsOf(error)).toMatchObject({ reason: 'VALIDATION_FAILED', fields: ['kind'] });
  }
});
