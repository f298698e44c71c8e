import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

import type { Illustration } from '../../illustration.service.js';

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
    description: 'Where a browser can fetch it; only with the built-in file store.',
  })
  url?: string;

  @ApiProperty({ type: 'integer', description: 'The seed it was drawn with.', example: 42 })
  seed: number;
}

/** The reply: a list of one, as the prototype's callers read it. */
export class IllustrationsDto {
  @ApiProperty({ type: [IllustrationDto] })
  data: IllustrationDto[];

  static of({ location, seed }: Illustration): IllustrationsDto {
    return { data: [{ s3_uri: location.s3Uri, ...(location.url !== undefined && { url: location.url }), seed }] };
  }
}
