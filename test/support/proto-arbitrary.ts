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
  return scalarOf(field.scalar ?? ScalarType.STRING);
}

const texts = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.uuid(),
  fc.constantFrom('', 'ada', '../ada', '\u0000', '\u202e', 'x'.repeat(129), 'x'.repeat(2001), 'x'.repeat(60_000)),
);
const reals = fc
  .oneof(fc.double(), fc.double({ min: -1, max: 3 }))
  .map((value) => (Number.isFinite(value) ? value : String(value)));

function scalarOf(scalar: ScalarType): fc.Arbitrary<JsonValue> {
  switch (scalar) {
    case ScalarType.STRING:
      return texts;
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.BYTES:
      return fc.base64String({ maxLength: 200 });
    case ScalarType.DOUBLE:
      return reals;
    case ScalarType.FLOAT:
      return fc.float({ noNaN: true, noDefaultInfinity: true });
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return fc.oneof(fc.nat({ max: 200 }), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return fc.oneof(fc.integer({ min: -10, max: 200 }), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }));
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String);
    default:
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
  }
}

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
