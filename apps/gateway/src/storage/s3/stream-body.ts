import type { Readable } from 'node:stream';

/**
 * A response's body in the pieces it comes in. The clock runs only while a piece is waited for: whoever takes them may
 * take their time. The connection is closed however the iteration ends.
 *
 * @throws Error when the body pauses for `idleMs`, breaks off or is not of the length promised; the signal's reason
 */
export async function* streamBody(
  body: Readable,
  { idleMs, contentLength, signal }: { idleMs: number; contentLength?: number; signal: AbortSignal },
): AsyncGenerator<Buffer> {
  const onAbort = (): void => void body.destroy(new Error('the read was aborted'));
  const onIdle = (): void => void body.destroy(new Error(`no byte for ${idleMs} ms`));
  signal.addEventListener('abort', onAbort, { once: true });
  let length = 0;
  let idle = setTimeout(onIdle, idleMs);
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      clearTimeout(idle);
      length += chunk.length;
      yield chunk;
      idle = setTimeout(onIdle, idleMs);
    }
  } finally {
    clearTimeout(idle);
    signal.removeEventListener('abort', onAbort);
    body.destroy();
  }
  if (contentLength !== undefined && length !== contentLength) {
    throw new Error(`${length} bytes came of ${contentLength}`);
  }
}
