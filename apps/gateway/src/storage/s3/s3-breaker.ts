import { Logger } from '@nestjs/common';
import { circuitBreaker, ConsecutiveBreaker, handleWhen, isBrokenCircuitError } from 'cockatiel';

import { statusOf } from './s3-errors.js';
import { StoreLeftAloneError } from './store-left-alone.error.js';

/** Calls in a row that failed, each after its own attempts. One job alone never makes so many. */
const mostFailures = 10;
/** Then nothing is asked for so long, and after that one call tries. */
const pauseMs = 5_000;

const logger = new Logger('S3ObjectStore');

/** What waits for a server that is down would pile up: after many failures in a row calls fail at once for a while. */
export class S3Breaker {
  private readonly policy = circuitBreaker(handleWhen(isOutage), {
    halfOpenAfter: pauseMs,
    breaker: new ConsecutiveBreaker(mostFailures),
  });

  constructor() {
    this.policy.onBreak(() => logger.warn({ pause_ms: pauseMs }, 'the object store is left alone for a while'));
    this.policy.onReset(() => logger.log('the object store answers again'));
  }

  /** @throws StoreLeftAloneError without calling anything, or what `call` throws */
  async run<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await this.policy.execute(call);
    } catch (error) {
      if (isBrokenCircuitError(error)) throw new StoreLeftAloneError(pauseMs / 1000);
      throw error;
    }
  }
}

/** A refusal is an answer, and who stops waiting tells nothing of the server. */
function isOutage(error: unknown): boolean {
  const status = statusOf(error);
  const isAnswer = status !== undefined && status < 500;
  const isAborted = error instanceof Error && error.name === 'AbortError';
  return !isAnswer && !isAborted;
}
