import { setTimeout as delay } from 'node:timers/promises';

export interface ReadEvent {
  event: string;
  id: number | undefined;
  data: Record<string, unknown>;
}

/** Reads a `text/event-stream` as EventSource does, and keeps everything. */
export class SseReader {
  readonly events: ReadEvent[] = [];
  /** Lines that are no part of an event: comments and `retry`. */
  readonly asides: string[] = [];
  /** Resolves when the stream has ended. */
  readonly ended: Promise<void>;
  private readonly leaving = new AbortController();

  private constructor(
    readonly response: Response,
    leaving: AbortController,
  ) {
    this.leaving = leaving;
    this.ended = this.read();
  }

  static async open(url: string, init: RequestInit = {}): Promise<SseReader> {
    const leaving = new AbortController();
    return new SseReader(await fetch(url, { ...init, signal: leaving.signal }), leaving);
  }

  /** The events that are the job's own: those with an id. */
  get facts(): ReadEvent[] {
    return this.events.filter(({ id }) => id !== undefined);
  }

  leave(): void {
    this.leaving.abort();
  }

  /** Resolves when the stream has brought such an event. */
  async until(name: string): Promise<ReadEvent> {
    for (let waitedMs = 0; waitedMs < 10_000; waitedMs += 5) {
      const found = this.events.find(({ event }) => event === name);
      if (found !== undefined) return found;
      await delay(5);
    }
    throw new Error(`no ${name} in ${JSON.stringify(this.events)}`);
  }

  private async read(): Promise<void> {
    let text = '';
    const decoder = new TextDecoder();
    try {
      for await (const chunk of this.response.body ?? []) {
        text += decoder.decode(chunk, { stream: true });
        const blocks = text.split('\n\n');
        text = blocks.pop() ?? '';
        blocks.forEach((block) => this.take(block));
      }
    } catch (error) {
      if (!this.leaving.signal.aborted) throw error;
    }
  }

  private take(block: string): void {
    const fields = new Map(block.split('\n').map((line) => [line.split(':', 1)[0] ?? '', line]));
    const valueOf = (name: string): string | undefined => fields.get(name)?.slice(name.length + 2);
    const event = valueOf('event');
    if (event === undefined) {
      this.asides.push(block);
      return;
    }
    const id = valueOf('id');
    const data = JSON.parse(valueOf('data') ?? '{}') as Record<string, unknown>;
    this.events.push({ event, id: id === undefined ? undefined : Number(id), data });
  }
}
