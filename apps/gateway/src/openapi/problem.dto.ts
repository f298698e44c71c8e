import { ApiProperty, ApiSchema } from '@nestjs/swagger';

import { catalogue } from '../errors/catalogue.js';
import type { Violation } from '../errors/domain-error.js';
import { PROBLEM_TYPE_BASE, type Problem } from '../errors/problem.js';
import type { Reason } from '../errors/reason.js';

class ViolationReply implements Violation {
  @ApiProperty({ example: '/num_inference_steps', description: 'JSON pointer (RFC 6901) into the request body.' })
  pointer: string;

  @ApiProperty({ example: 'num_inference_steps must not be greater than 150' })
  detail: string;
}

/** Describes `Problem` to OpenAPI; the compiler keeps the two alike. */
@ApiSchema({ name: 'Problem', description: 'RFC 9457 problem details with the members of this service.' })
export class ProblemReply implements Problem {
  @ApiProperty({ example: `${PROBLEM_TYPE_BASE}avatar-not-found` })
  type: string;

  @ApiProperty({ example: 'The reference image does not exist' })
  title: string;

  @ApiProperty({ example: 422 })
  status: number;

  @ApiProperty({ example: 'There is no avatar at avatars/ada.png.' })
  detail: string;

  @ApiProperty({ example: '/v1/images/memory' })
  instance: string;

  @ApiProperty({ enum: Object.keys(catalogue), example: 'avatar-not-found' })
  error: Reason;

  @ApiProperty({ description: 'The same as in the X-Request-Id header and in the logs.' })
  request_id: string;

  @ApiProperty({ description: 'The same request may succeed later.' })
  retryable: boolean;

  @ApiProperty({ type: [ViolationReply], required: false })
  errors?: ViolationReply[];
}
