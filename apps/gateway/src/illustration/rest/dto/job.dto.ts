import { ApiProperty, ApiPropertyOptional, ApiSchema } from '@nestjs/swagger';

import { catalogue } from '../../../errors/catalogue.js';
import type { Reason } from '../../../errors/reason.js';
import { jobStates, type JobState, type JsonObject } from '../../../jobs/domain/job.js';
import type { JobErrorView } from '../../job-error-view.js';
import type { IllustrationView, JobProgressView, JobView } from '../../job-view.js';

// These classes describe `JobView` to OpenAPI; the compiler keeps the two alike.

@ApiSchema({ name: 'JobProgress' })
class JobProgressDto implements JobProgressView {
  @ApiProperty({ type: 'integer', description: 'Denoising steps done of the current picture.', example: 12 })
  step: number;

  @ApiProperty({ type: 'integer', description: 'Denoising steps of a picture.', example: 50 })
  total_steps: number;

  @ApiProperty({ type: 'integer', description: 'The picture being drawn, from 1.', example: 1 })
  image: number;

  @ApiProperty({ type: 'integer', description: 'Pictures of the job.', example: 1 })
  images: number;
}

@ApiSchema({ name: 'JobPicture' })
class JobPictureDto implements IllustrationView {
  @ApiProperty({ type: String, example: 's3://autobio/generated/ada/memory_0197.png' })
  s3_uri: string;

  @ApiProperty({ type: String, description: 'Where a browser can fetch it, if only for some time.' })
  url: string;

  @ApiProperty({ type: 'integer', description: 'The seed it was drawn from.', example: 42 })
  seed: number;

  @ApiProperty({ type: 'integer', description: 'Pixels.', example: 1024 })
  width: number;

  @ApiProperty({ type: 'integer', description: 'Pixels.', example: 1024 })
  height: number;

  @ApiProperty({ type: String, description: 'SHA-256 of the PNG, lower-case hexadecimal.' })
  sha256: string;
}

class LastFailureDto {
  @ApiProperty({ enum: Object.keys(catalogue), example: 'worker-unavailable' })
  error: Reason;

  @ApiProperty({ type: String })
  detail: string;
}

@ApiSchema({ name: 'JobError', description: 'Why a job ended without a picture: the members of a problem reply.' })
class JobErrorDto implements JobErrorView {
  @ApiProperty({ enum: Object.keys(catalogue), example: 'avatar-not-found' })
  error: Reason;

  @ApiProperty({ type: String, example: 'The reference image does not exist' })
  title: string;

  @ApiProperty({ type: 'integer', description: 'Status that a waiting caller would have got.', example: 422 })
  status: number;

  @ApiProperty({ type: String, example: 'There is no reference image under the key avatars/ada.png.' })
  detail: string;

  @ApiProperty({ type: Boolean, description: 'The same request may succeed later.' })
  retryable: boolean;

  @ApiPropertyOptional({ type: LastFailureDto, description: 'With `attempts-exhausted`: why the last one failed.' })
  last_failure?: LastFailureDto;
}

@ApiSchema({ name: 'Job', description: 'One illustration and all that is known of it.' })
export class JobDto implements JobView {
  @ApiProperty({ type: String, format: 'uuid' })
  job_id: string;

  @ApiProperty({ type: String, enum: ['memory', 'subject'] })
  kind: string;

  @ApiProperty({ enum: jobStates, description: 'The last four are final.' })
  state: JobState;

  @ApiProperty({ type: String, format: 'date-time' })
  created_at: string;

  @ApiPropertyOptional({ type: String, format: 'date-time', description: 'Start of the latest attempt.' })
  started_at?: string;

  @ApiPropertyOptional({ type: String, format: 'date-time' })
  finished_at?: string;

  @ApiPropertyOptional({ type: String, format: 'date-time', description: 'The job expires then.' })
  deadline?: string;

  @ApiProperty({ type: 'integer', description: 'Attempts begun, from 0.', example: 1 })
  attempt: number;

  @ApiProperty({ type: Boolean, description: 'A caller has asked for the end.' })
  cancel_requested: boolean;

  @ApiPropertyOptional({ type: JobProgressDto, description: 'While it is running.' })
  progress?: JobProgressDto;

  @ApiPropertyOptional({ type: 'integer', description: 'Jobs in front of this one while it is queued. Not in lists.' })
  queue_position?: number;

  @ApiPropertyOptional({ type: 'integer', description: 'Seconds until the likely end, where known. Not in lists.' })
  eta_seconds?: number;

  @ApiPropertyOptional({ type: [JobPictureDto], description: 'The pictures of a succeeded job.' })
  data?: JobPictureDto[];

  @ApiPropertyOptional({ type: [String], description: 'What you should know of them, a sentence each.' })
  warnings?: string[];

  @ApiPropertyOptional({
    type: Boolean,
    description: 'Of a succeeded job: the same pictures were known already, and nothing was drawn.',
  })
  cached?: boolean;

  @ApiPropertyOptional({ type: Object, description: 'How a succeeded job was drawn.' })
  receipt?: JsonObject;

  @ApiPropertyOptional({ type: JobErrorDto })
  error?: JobErrorDto;
}

@ApiSchema({ name: 'JobPage' })
export class JobPageDto {
  @ApiProperty({ type: [JobDto], description: 'Newest first.' })
  jobs: JobDto[];

  @ApiProperty({ type: String, description: 'The `page_token` of the next page; empty on the last.' })
  next_page_token: string;
}
