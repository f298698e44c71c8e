import { Metadata } from '@grpc/grpc-js';

import { DomainError } from '../../errors/domain-error.js';
import type { GetLoadProgressResponse } from '../../generated/autobio/worker/v1/model.js';
import type { WorkerServiceClient } from '../../generated/autobio/worker/v1/worker.js';
import { bytesInWords, secondsInWords } from '../domain/quantities.js';
import { milliseconds } from './durations.js';

const everyMs = 1_000;
const longestRetryAfterSeconds = 300;

/** How far a worker that starts is with loading its model: asked about once a second, and never logged. */
export class LoadProgress {
  private latest: GetLoadProgressResponse | undefined;
  private timer: NodeJS.Timeout | undefined;
  private question = 0;

  constructor(private readonly client: Pick<WorkerServiceClient, 'getLoadProgress'>) {}

  /** Asks until `stop`. */
  start(): void {
    if (this.timer === undefined) this.ask();
  }

  stop(): void {
    this.question += 1;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.latest = undefined;
  }

  /** Why no drawing can start yet; undefined: the worker has not told. */
  get(): DomainError | undefined {
    return this.latest === undefined || this.latest.phase === '' ? undefined : toError(this.latest);
  }

  private ask(): void {
    this.timer = setTimeout(() => this.ask(), everyMs);
    this.question += 1;
    const question = this.question;
    this.client.getLoadProgress({}, new Metadata(), { deadline: Date.now() + everyMs }, (error, response) => {
      // Health tells of a worker that does not answer; an old number is better than none meanwhile.
      if (error === null && question === this.question) this.latest = response;
    });
  }
}

function toError({ phase, doneBytes, totalBytes, timeLeft }: GetLoadProgressResponse): DomainError {
  const share = shareInWords(doneBytes, totalBytes);
  const leftSeconds = timeLeft === undefined ? undefined : milliseconds(timeLeft) / 1000;
  const left = leftSeconds === undefined ? '' : `, about ${secondsInWords(leftSeconds)} left`;
  const doing = phase === 'ready' ? 'The worker is about to be ready' : `The worker is ${phase}`;
  const retryAfterSeconds =
    leftSeconds === undefined ? undefined : Math.min(Math.max(Math.ceil(leftSeconds), 1), longestRetryAfterSeconds);
  return new DomainError('starting', `${doing}${share}${left}.`, { retryAfterSeconds });
}

function shareInWords(doneBytes: bigint | undefined, totalBytes: bigint | undefined): string {
  if (doneBytes === undefined) return '';
  if (totalBytes === undefined || totalBytes <= 0n) return `: ${bytesInWords(Number(doneBytes))} so far`;
  const percent = Math.min(Math.floor((Number(doneBytes) * 100) / Number(totalBytes)), 100);
  return `: ${percent} % of ${bytesInWords(Number(totalBytes))}`;
}
