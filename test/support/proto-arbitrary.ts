import { create, createFileRegistry, fromJson, fromJsonString, toBinary } from '@bufbuild/protobuf';
import { ScalarType, type DescField, type DescMessage, type DescService, type JsonValue } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import * as fc from 'fast-check';

import publicDescriptors from '../../apps/gateway/src/generated/public-descriptors.json' with { type: 'json' };

const deepest = 3;
const registry = createFileRegistry(fromJsonString(FileDescriptorSetSchema, JSON.stringify(publicDescriptors)));

/** The public service, as its protos describe it. */
export function illustrationService(): DescService {
  const service = registry.getService('autobio.illustration.v1.IllustrationService');
  if (service === undefined) throw new Error('the descriptors are not those of the public API');
  return service;
}

/**
 * Messages of a type, as bytes: any value in any field that the proto has, legal or not; one in four damaged on the wire.
 *
 * @param good fields of a message that is accepted, by their JSON names: half of the messages are such ones with
 *   something changed
 */
export function anyMessage(type: DescMessage, good: Record<string, JsonValue> = {}): fc.Arbitrary<Buffer> {
  const fields = fieldsOf(type, 0);
  const messages = fc.oneof(
    fields,
    fc.tuple(fields, fc.nat({ max: 20 }), fc.nat({ max: 2 })).map(([odd, from, count]) => {
      const few = someOf(odd, from, count);
      return { ...withoutRivals(type, good, few), ...few };
    }),
  );
  const bytes = messages.map((json) =>
    Buffer.from(toBinary(type, Object.keys(json).length === 0 ? create(type) : fromJson(type, json))),
  );
  return fc.oneof({ weight: 3, arbitrary: bytes }, { weight: 1, arbitrary: damaged(bytes) });
}

function fieldsOf(type: DescMessage, depth: number): fc.Arbitrary<Record<string, JsonValue>> {
  const reachable = type.fields.filter((field) => depth < deepest || field.message === undefined);
  const model = Object.fromEntries(reachable.map((field) => [field.jsonName, valueOf(field, depth)]));
  return fc.record(model, { requiredKeys: [] }).map((values) => oneOfEachGroup(type, values));
}

/** JSON with two members of one `oneof` is no message. */
function oneOfEachGroup(type: DescMessage, values: Record<string, JsonValue | undefined>): Record<string, JsonValue> {
  const taken = new Set<string>();
  const kept: Record<string, JsonValue> = {};
  for (const [name, value] of Object.entries(values)) {
    const group = groupOf(type, name);
    if (value === undefined || (group !== undefined && taken.has(group))) continue;
    if (group !== undefined) taken.add(group);
    kept[name] = value;
  }
  return kept;
}

/** The `oneof` that a field belongs to, if any. */
function groupOf(type: DescMessage, name: string): string | undefined {
  return type.fields.find(({ jsonName }) => jsonName === name)?.oneof?.name;
}

function someOf<Value>(all: Record<string, Value>, from: number, count: number): Record<string, Value> {
  const entries = Object.entries(all);
  const at = entries.length === 0 ? 0 : from % entries.length;
  return Object.fromEntries([...entries.slice(at), ...entries.slice(0, at)].slice(0, count));
}

function withoutRivals(
  type: DescMessage,
  good: Record<string, JsonValue>,
  odd: Record<string, JsonValue>,
): Record<string, JsonValue> {
  const groups = new Set(Object.keys(odd).map((name) => groupOf(type, name)));
  groups.delete(undefined);
  return Object.fromEntries(Object.entries(good).filter(([name]) => !groups.has(groupOf(type, name))));
}

function valueOf(field: DescField, depth: number): fc.Arbitrary<JsonValue> {
  const one = singleOf(field, depth);
  if (field.fieldKind === 'list') return fc.array(one, { maxLength: 6 });
  if (field.fieldKind === 'map') return fc.dictionary(fc.string({ maxLength: 5 }), one, { maxKeys: 3 });
  return one;
}

function singleOf(field: DescField, depth: number): fc.Arbitrary<JsonValue> {
  if (field.message !== undefined) return fieldsOf(field.message, depth + 1);
  if (field.enum !== undefined) {
    return fc.oneof(
      fc.constantFrom(...field.enum.values.map(({ number }) => number)),
      fc.constantFrom(-1, 99, 2 ** 31 - 1),
    );
  }
  return scalars[field.scalar ?? ScalarType.STRING];
}

const texts = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.uuid(),
  fc.constantFrom('', 'ada', '../ada', '\u0000', '\u202e', 'x'.repeat(129), 'x'.repeat(2001), 'x'.repeat(60_000)),
);
const reals = fc
  .oneof(fc.double(), fc.double({ min: -1, max: 3 }))
  .map((value) => (Number.isFinite(value) ? value : String(value)));

const signed = (bits: bigint): fc.Arbitrary<bigint> =>
  fc.bigInt({ min: -(2n ** (bits - 1n)), max: 2n ** (bits - 1n) - 1n });
const unsigned = (bits: bigint): fc.Arbitrary<bigint> => fc.bigInt({ min: 0n, max: 2n ** bits - 1n });
const int32 = fc.oneof(fc.integer({ min: -10, max: 200 }), signed(32n).map(Number));
const uint32 = fc.oneof(fc.nat({ max: 200 }), unsigned(32n).map(Number));
const int64 = signed(64n).map(String);
const uint64 = unsigned(64n).map(String);

const scalars: Record<ScalarType, fc.Arbitrary<JsonValue>> = {
  [ScalarType.STRING]: texts,
  [ScalarType.BOOL]: fc.boolean(),
  [ScalarType.BYTES]: fc.base64String({ maxLength: 200 }),
  [ScalarType.DOUBLE]: reals,
  [ScalarType.FLOAT]: fc.float({ noNaN: true, noDefaultInfinity: true }),
  [ScalarType.INT32]: int32,
  [ScalarType.SINT32]: int32,
  [ScalarType.SFIXED32]: int32,
  [ScalarType.UINT32]: uint32,
  [ScalarType.FIXED32]: uint32,
  [ScalarType.INT64]: int64,
  [ScalarType.SINT64]: int64,
  [ScalarType.SFIXED64]: int64,
  [ScalarType.UINT64]: uint64,
  [ScalarType.FIXED64]: uint64,
};

/** Cut, changed or with something behind it. */
function damaged(bytes: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  const places = fc.double({ min: 0, max: 1, noNaN: true });
  return fc
    .tuple(bytes, places, fc.uint8Array({ minLength: 1, maxLength: 4 }), fc.nat({ max: 2 }))
    .map(([good, place, odd, way]) => {
      const at = Math.floor(place * good.length);
      if (way === 0) return good.subarray(0, at);
      const rest = way === 1 ? good.subarray(at + odd.length) : good.subarray(at);
      return Buffer.concat([good.subarray(0, at), odd, rest]);
    });
}
