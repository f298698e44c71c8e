import type { ServiceDefinition } from '@grpc/grpc-js';

/** Stands for a message that is not of its type. */
export class UnreadableRequest {
  constructor(readonly cause: unknown) {}
}

/**
 * The same service, but a message that cannot be decoded comes as an `UnreadableRequest`: grpc-js itself would answer
 * INTERNAL, as if the fault were ours.
 */
export function readable(definition: ServiceDefinition): Record<string, object> {
  return Object.fromEntries(
    Object.entries(definition).map(([name, method]) => [
      name,
      { ...method, requestDeserialize: (bytes: Buffer) => decoded(method, bytes) },
    ]),
  );
}

function decoded(method: ServiceDefinition[string], bytes: Buffer): unknown {
  try {
    return method.requestDeserialize(bytes);
  } catch (cause) {
    return new UnreadableRequest(cause);
  }
}
