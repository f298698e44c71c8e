import { addAbortSignal, type Readable } from 'node:stream';

import { ObjectTooLargeError } from '../object-store.js';

export interface BodyLimits {
  maxBytes: number;
  /** Longest pause between two pieces, milliseconds: the SDK's own timeouts end with the response's first byte. */
  idleMs: number;
  /** What the response promised, when it did. */
  contentLength?: number;
  signal?: AbortSignal;
}

/**
 * Reads a response's body whole, never holding more than `maxBytes` of it. The connection is closed on every failure.
 *
 * @throws ObjectTooLargeError, or an Error when the body pauses, breaks off or is shorter than promised.
 */
export async function readBody(body: Readable, limits: BodyLimits): Promise<Buffer> {
  if (limits.signal) addAbortSignal(limits.signal, body);
  const idle = setTimeout(() => body.destroy(new Error(`no byte for ${limits.idleMs} ms`)), limits.idleMs);
  try {
    return await collect(body, limits, () => idle.refresh());
  } finally {
    clearTimeout(idle);
    body.destroy();
  }
}

async function collect(body: Readable, limits: BodyLimits, onProgress: () => void): Promise<Buffer> {
  if (limits.contentLength !== undefined && limits.contentLength > limits.maxBytes) {
    throw new ObjectTooLargeError('larger than asked for');
  }
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    onProgress();
    length += chunk.length;
    if (length > limits.maxBytes) throw new ObjectTooLargeError('larger than asked for');
    chunks.push(chunk);
  }
  if (limits.contentLength !== undefined && length !== limits.contentLength) {
    throw new Error(`${length} bytes came of ${limits.contentLength}`);
  }
  return Buffer.concat(chunks, length);
}
