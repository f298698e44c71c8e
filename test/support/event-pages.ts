import type { FinalEvent } from './history-checker.js';

/**
 * Reads a job's events until the stream ends or breaks.
 *
 * @throws TypeError when the connection breaks; what was read until then was told
 */
export async function readEvents(
  url: string,
  { after, signal }: { after: number; signal: AbortSignal },
  tell: (event: FinalEvent) => void,
): Promise<void> {
  const response = await fetch(url, { headers: { 'last-event-id': String(after) }, signal });
  if (response.status === 204 || response.status === 503) return;
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}`);
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const seq = /^id: ?(\d+)$/m.exec(block)?.[1];
      const type = /^event: ?(\S+)$/m.exec(block)?.[1];
      // Without a number: the place in the queue, pings; no part of the job's story.
      if (seq !== undefined && type !== undefined) tell({ seq: Number(seq), type });
    }
  }
}
