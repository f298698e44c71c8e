import { Metadata } from '@grpc/grpc-js';

import type { WorkerServiceClient } from '../../generated/autobio/worker/v1/worker.js';
import { workerFailure } from './worker-errors.js';

/** It takes microseconds; a worker that hangs shall not keep an erasure. */
const answerWithinMs = 5_000;

/** Has the worker drop what it has encoded. @returns how many entries. @throws DomainError of `workerFailure` */
export function forgetEmbeddings(worker: Pick<WorkerServiceClient, 'forgetEmbeddings'>): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + answerWithinMs };
    worker.forgetEmbeddings({}, new Metadata(), options, (error, response) =>
      error === null ? resolve(response.entries) : reject(workerFailure(error)),
    );
  });
}
