import { Metadata, type ServiceError } from '@grpc/grpc-js';
import { Logger } from '@nestjs/common';

import type { DescribeResponse } from '../../generated/autobio/worker/v1/model.js';
import type { WorkerServiceClient } from '../../generated/autobio/worker/v1/worker.js';
import type { IllustratorProfile } from '../domain/illustrator.js';
import { toProfile } from './mapping.js';

const answerWithinMs = 5_000;
/** Somebody waits for a page. */
const answerNowWithinMs = 1_500;
const askAgainMs = 500;

/** What the worker says of itself, asked each time it begins to serve: another one may have taken its place. */
export class WorkerProfile {
  private readonly logger = new Logger(WorkerProfile.name);
  private latest: IllustratorProfile | undefined;
  private retry: NodeJS.Timeout | undefined;
  private question = 0;

  /** @param onTold called with each answer */
  constructor(
    private readonly client: Pick<WorkerServiceClient, 'describe'>,
    private readonly onTold: () => void,
  ) {}

  /** The last answer, whoever gave it. */
  get(): IllustratorProfile | undefined {
    return this.latest;
  }

  /** Asks until there is an answer or the next `ask`. */
  ask(): void {
    clearTimeout(this.retry);
    this.question += 1;
    const question = this.question;
    this.client.describe({}, new Metadata(), { deadline: Date.now() + answerWithinMs }, (error, response) => {
      // An answer to an old question may be that of a worker which is gone.
      if (question === this.question) this.told(error, response);
    });
  }

  /** Asks once, for what changes while the worker serves. @returns the last answer when it gives none in time */
  async askNow(): Promise<IllustratorProfile | undefined> {
    const answer = await new Promise<DescribeResponse | undefined>((resolve) => {
      this.client.describe({}, new Metadata(), { deadline: Date.now() + answerNowWithinMs }, (error, response) =>
        resolve(error === null ? response : undefined),
      );
    });
    return answer === undefined ? this.latest : toProfile(answer);
  }

  stop(): void {
    this.question += 1;
    clearTimeout(this.retry);
  }

  private told(error: ServiceError | null, response: DescribeResponse): void {
    if (error !== null) {
      this.logger.warn({ err: error }, 'the worker did not describe itself');
      this.retry = setTimeout(() => this.ask(), askAgainMs);
      return;
    }
    this.latest = toProfile(response);
    this.logger.log({ ...this.latest }, 'the worker described itself');
    this.onTold();
  }
}
