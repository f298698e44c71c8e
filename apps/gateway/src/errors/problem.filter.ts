import { type ArgumentsHost, Catch, type ExceptionFilter, Logger } from '@nestjs/common';
import type { Request, Response } from 'express';

import { errorAnswered } from '../observability/request-signals.js';
import { problemHeaders, toProblem } from './problem.js';
import { toDomainError } from './to-domain-error.js';

/** Answers every failure of an HTTP request with `application/problem+json`. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger(ProblemFilter.name);

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<Request>();
    const response = http.getResponse<Response>();
    const error = toDomainError(thrown);
    const problem = toProblem(error, {
      path: request.originalUrl.split('?', 1)[0] ?? '/',
      requestId: String(response.getHeader('X-Request-Id') ?? ''),
    });
    errorAnswered.send({ reason: error.reason });
    this.log(problem.status, error, thrown);
    if (response.headersSent) {
      // Part of the reply is out: only a broken connection tells the caller that the rest will not come.
      response.destroy();
      return;
    }
    response
      .status(problem.status)
      .set(problemHeaders(error))
      .send(Buffer.from(JSON.stringify(problem)));
  }

  /** Our faults with their stack; what the caller can mend, or a dependency that is away, in one short line. */
  private log(status: number, error: ReturnType<typeof toDomainError>, thrown: unknown): void {
    if (status === 500 || status === 502) {
      this.logger.error({ err: error.reason === 'internal' ? thrown : error, reason: error.reason }, 'request failed');
    } else if (status > 500) {
      this.logger.warn({ reason: error.reason, detail: error.detail }, 'request failed');
    } else {
      this.logger.debug({ reason: error.reason }, 'request refused');
    }
  }
}
