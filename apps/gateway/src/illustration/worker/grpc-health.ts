import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { Client, credentials, type Channel, type ClientReadableStream, type MethodDefinition } from '@grpc/grpc-js';

/** `grpc.health.v1.HealthCheckResponse.ServingStatus`. */
export const ServingStatus = { unknown: 0, serving: 1, notServing: 2, serviceUnknown: 3 } as const;

/**
 * `Watch` of the standard grpc.health.v1 protocol, written by hand: two messages of one field each do not earn a
 * dependency or a copy of the proto file.
 */
export const healthWatch: MethodDefinition<string, number> = {
  path: '/grpc.health.v1.Health/Watch',
  requestStream: false,
  responseStream: true,
  requestSerialize: (service) => Buffer.from(new BinaryWriter().uint32(10).string(service).finish()),
  requestDeserialize: (bytes) => readField(bytes, 1, (reader) => reader.string()) ?? '',
  responseSerialize: (status) => Buffer.from(new BinaryWriter().uint32(8).int32(status).finish()),
  responseDeserialize: (bytes) => readField(bytes, 1, (reader) => reader.int32()) ?? ServingStatus.unknown,
};

/** Opens a watch on `service`: the serving status now, then each change, for as long as the connection lives. */
export function watchHealth(channel: Channel, service: string): ClientReadableStream<number> {
  const client = new Client('', credentials.createInsecure(), { channelOverride: channel });
  const { path, requestSerialize, responseDeserialize } = healthWatch;
  return client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, service);
}

/** The last value of a field, as protobuf has it; undefined when the message does not carry it. */
function readField<T>(bytes: Uint8Array, field: number, read: (reader: BinaryReader) => T): T | undefined {
  const reader = new BinaryReader(bytes);
  let value: T | undefined;
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (number === field) value = read(reader);
    else reader.skip(wireType, number);
  }
  return value;
}
