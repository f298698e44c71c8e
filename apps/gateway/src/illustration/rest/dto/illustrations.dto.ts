import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

/** One finished illustration. */
export class IllustrationDto {
  @ApiProperty({
    type: String,
    description: 'Where the PNG lies in the object store.',
    example: 's3://autobio/generated/ada/memory_0b7c1a52-6f2e-4f55-9b8e-0b1f6a1c2d3e.png',
  })
  s3_uri: string;

  @ApiPropertyOptional({
    type: String,
    description:
      'Where a browser can fetch it: of the built-in file store, or with `response_format: url` for an hour in S3.',
  })
  url?: string;

  @ApiProperty({ type: 'integer', description: 'The seed it was drawn with.', example: 42 })
  seed: number;

  @ApiProperty({ type: 'integer', description: 'Pixels.', example: 1024 })
  width: number;

  @ApiProperty({ type: 'integer', description: 'Pixels.', example: 1024 })
  height: number;

  @ApiPropertyOptional({ type: String, description: 'The PNG in base64, with `response_format: b64_json`.' })
  b64_json?: string;
}

/** The reply: one entry a picture. `data` comes first, as the prototype's callers know it. */
export class IllustrationsDto {
  @ApiProperty({ type: [IllustrationDto] })
  data: IllustrationDto[];

  @ApiProperty({ type: String, format: 'uuid', description: 'The job that drew them: `GET /v1/jobs/{job_id}`.' })
  job_id: string;

  @ApiProperty({
    type: Boolean,
    description:
      'True: the same pictures were known already, and nothing was drawn. `Cache-Control: no-cache` has them drawn.',
  })
  cached: boolean;

  @ApiPropertyOptional({
    type: [String],
    description: 'What you should know of the pictures, a sentence each: a prompt that was cut, say.',
  })
  warnings?: string[];
}
