import { Module } from '@nestjs/common';
import { APP_FILTER, APP_PIPE } from '@nestjs/core';

import { ProblemFilter } from './problem.filter.js';
import { RequestValidationPipe } from './validation.js';

/** One way to refuse and one way to fail, for every route. */
@Module({
  providers: [
    { provide: APP_FILTER, useClass: ProblemFilter },
    { provide: APP_PIPE, useClass: RequestValidationPipe },
  ],
})
export class ErrorsModule {}
