import { Logger } from '@nestjs/common';

import { DomainError } from '../../errors/domain-error.js';
import type { LoraFile } from '../domain/lora-file.js';
import { whyAborted } from '../domain/why-aborted.js';
import { putLora, type LoraTaker } from './put-lora.js';

const longestTimerMs = 2 ** 31 - 1;

/** Brings LoRAs to the worker. However many drawings wait for one version of one LoRA, it is sent once. */
export class LoraCourier {
  private readonly logger = new Logger(LoraCourier.name);
  private readonly uploads = new Map<string, Upload>();

  constructor(private readonly worker: LoraTaker) {}

  /**
   * Yields the bytes sent as the file goes out, and ends when the worker holds it. The sending is stopped when nobody
   * iterates any more.
   *
   * @throws DomainError as `putLora`, the reason of `signal`, or `deadline-exceeded`
   */
  async *bring(file: LoraFile, { signal, deadline }: { signal: AbortSignal; deadline: Date }): AsyncGenerator<number> {
    const late = new AbortController();
    const leftMs = Math.min(Math.max(deadline.getTime() - Date.now(), 0), longestTimerMs);
    const timer = setTimeout(() => late.abort(overdue()), leftMs);
    try {
      yield* this.uploadOf(file).watch(AbortSignal.any([signal, late.signal]));
    } finally {
      clearTimeout(timer);
    }
  }

  private uploadOf(file: LoraFile): Upload {
    const key = JSON.stringify([file.loraId, file.version]);
    const running = this.uploads.get(key);
    if (running !== undefined) return running;
    const forget = (upload: Upload): void => {
      if (this.uploads.get(key) === upload) this.uploads.delete(key);
    };
    const begunMs = performance.now();
    const tell = (): void => {
      const duration_ms = Math.round(performance.now() - begunMs);
      this.logger.log({ lora_id: file.loraId, size_bytes: file.sizeBytes, duration_ms }, 'LoRA handed to the worker');
    };
    const upload = new Upload(this.worker, file, { onDone: tell, onEnd: forget });
    this.uploads.set(key, upload);
    return upload;
  }
}

interface UploadListener {
  /** The worker has the file. */
  onDone: () => void;
  /** Nobody may join any more. */
  onEnd: (upload: Upload) => void;
}

/** One file on its way, and those who wait for it. */
class Upload {
  private readonly over = new AbortController();
  private readonly done: Promise<true>;
  private moved = Promise.withResolvers<false>();
  private sentBytes = 0;
  private watchers = 0;

  constructor(
    worker: LoraTaker,
    file: LoraFile,
    private readonly listener: UploadListener,
  ) {
    const onSent = (bytes: number): void => this.move(bytes);
    this.done = putLora(worker, file, { signal: this.over.signal, onSent })
      .finally(() => listener.onEnd(this))
      .then(() => {
        listener.onDone();
        return true;
      });
    // Those who watch are told; there may be none left.
    this.done.catch(() => undefined);
  }

  async *watch(signal: AbortSignal): AsyncGenerator<number> {
    const aborted = Promise.withResolvers<never>();
    aborted.promise.catch(() => undefined);
    const onAbort = (): void => aborted.reject(whyAborted(signal));
    this.watchers += 1;
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      while (!(await Promise.race([aborted.promise, this.done, this.moved.promise]))) yield this.sentBytes;
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.leave();
    }
  }

  private move(bytes: number): void {
    this.sentBytes = bytes;
    const { resolve } = this.moved;
    this.moved = Promise.withResolvers<false>();
    resolve(false);
  }

  private leave(): void {
    this.watchers -= 1;
    if (this.watchers > 0) return;
    this.listener.onEnd(this);
    this.over.abort();
  }
}

function overdue(): DomainError {
  return new DomainError('deadline-exceeded', 'The time allowed for the drawing ran out.');
}
