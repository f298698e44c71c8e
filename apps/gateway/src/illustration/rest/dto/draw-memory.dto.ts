import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsObject, IsOptional, ValidateNested } from 'class-validator';

import { peopleRange } from '../../domain/illustration-values.js';
import { IllustrationOptionsDto } from './illustration-options.dto.js';
import { PersonDto } from './person.dto.js';
import { RequiredPrompt } from './prompt-rule.js';

/** Body of `POST /v1/images/memory`. */
export class DrawMemoryDto extends IllustrationOptionsDto {
  @RequiredPrompt({
    description: 'The memory, in words. Drawn with the avatar of the person.',
    example: 'my grandmother teaching me to bake bread in her kitchen',
  })
  prompt: string;

  @ApiPropertyOptional({
    type: [PersonDto],
    minItems: peopleRange.min,
    maxItems: peopleRange.max,
    nullable: true,
    description: 'Who is to be seen, each by their avatar. Default: the user, anywhere in the picture.',
  })
  @IsOptional()
  @IsArray()
  @ArrayMinSize(peopleRange.min)
  @ArrayMaxSize(peopleRange.max)
  // Nested validation passes over null.
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => PersonDto)
  people?: PersonDto[] | null;
}
