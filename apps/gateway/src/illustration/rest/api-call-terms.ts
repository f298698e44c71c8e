import { applyDecorators } from '@nestjs/common';
import { ApiAcceptedResponse, ApiHeader, ApiOkResponse, ApiProduces } from '@nestjs/swagger';

import { IllustrationsDto } from './dto/illustrations.dto.js';
import { JobDto } from './dto/job.dto.js';
import { longestWaitSeconds } from './preference.js';

/** Documents how a caller may be answered, on each route that draws. */
export function ApiCallTerms(): MethodDecorator {
  return applyDecorators(
    ApiHeader({
      name: 'Prefer',
      required: false,
      description:
        `\`respond-async\`: 202 with the job at once. \`wait=N\`: the pictures if they are ready within N seconds ` +
        `(at most ${longestWaitSeconds}), else 202 with the job. Without it the reply waits for the pictures.`,
    }),
    ApiHeader({
      name: 'Idempotency-Key',
      required: false,
      description: 'The same request with the same key is the same job, for 24 hours. 1 to 255 visible characters.',
    }),
    ApiHeader({
      name: 'X-Deadline-Seconds',
      required: false,
      description: 'The job expires if it has not ended by then. 1 to 86400.',
      schema: { type: 'integer', minimum: 1, maximum: 86_400 },
    }),
    ApiHeader({
      name: 'Cache-Control',
      required: false,
      description:
        '`no-cache`: draw, though the same picture may be known. Only pictures with a `seed` are remembered.',
    }),
    ApiProduces('application/json', 'text/event-stream'),
    ApiOkResponse({ type: IllustrationsDto, description: 'The pictures, or with `text/event-stream` what happens.' }),
    ApiAcceptedResponse({ type: JobDto, description: 'The job: `Location` is its address.' }),
  );
}
