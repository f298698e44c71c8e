import { Catch, type ExceptionFilter, Logger } from '@nestjs/common';
import { type Observable, throwError } from 'rxjs';

import { errorAnswered } from '../observability/request-signals.js';
import { catalogue } from './catalogue.js';
import { toGrpcStatus } from './grpc-status.js';
import { toDomainError } from './to-domain-error.js';

/**
 * Answers every failure of a gRPC call with its status. It returns the error in an Observable: a filter that throws
 * in a gRPC context takes the process down.
 */
@Catch()
export class GrpcStatusFilter implements ExceptionFilter {
  private readonly logger = new Logger(GrpcStatusFilter.name);

  catch(thrown: unknown): Observable<never> {
    const error = toDomainError(thrown);
    errorAnswered.send({ reason: error.reason });
    // As over HTTP: our faults with their stack, a dependency that is away in one line, the caller's at debug.
    const { httpStatus } = catalogue[error.reason];
    if (httpStatus === 500 || httpStatus === 502) {
      this.logger.error({ err: error.reason === 'internal' ? thrown : error, reason: error.reason }, 'call failed');
    } else if (httpStatus > 500) {
      this.logger.warn({ reason: error.reason, detail: error.detail }, 'call failed');
    } else {
      this.logger.debug({ reason: error.reason }, 'call refused');
    }
    return throwError(() => toGrpcStatus(error));
  }
}
