import { ApiProperty, ApiPropertyOptional, ApiSchema } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsNumber, IsObject, IsOptional, Max, Min, ValidateNested } from 'class-validator';

import { ipAdapterScaleRange } from '../../domain/illustration-values.js';
import { IsIdentifier } from './identifier-rule.js';
import { identifierSchema } from './identifier-schema.js';

/** A side of a region. */
function Fraction(of: string, example: number): PropertyDecorator {
  const rules = [
    ApiProperty({ type: 'number', minimum: 0, maximum: 1, description: `Fraction of the picture's ${of}.`, example }),
    IsNumber(),
    Min(0),
    Max(1),
  ];
  return (target, name) => rules.forEach((rule) => rule(target, name));
}

@ApiSchema({ name: 'Region', description: 'A rectangle of the picture: left < right, top < bottom.' })
export class RegionDto {
  @Fraction('width, from the left edge', 0)
  left: number;

  @Fraction('height, from the top edge', 0)
  top: number;

  @Fraction('width, from the left edge', 0.5)
  right: number;

  @Fraction('height, from the top edge', 1)
  bottom: number;
}

@ApiSchema({ name: 'Person', description: 'One of the people of a memory.' })
export class PersonDto {
  @ApiProperty({ ...identifierSchema, description: 'Whose avatar. Nobody twice.', example: 'ada' })
  @IsIdentifier()
  user_id: string;

  @ApiPropertyOptional({
    type: RegionDto,
    nullable: true,
    description: 'Where in the picture; for all people or for none. Default: side by side from left to right.',
  })
  @IsOptional()
  // A list of regions would be validated as if it were each of them.
  @IsObject()
  @ValidateNested()
  @Type(() => RegionDto)
  region?: RegionDto | null;

  @ApiPropertyOptional({
    type: 'number',
    minimum: ipAdapterScaleRange.min,
    maximum: ipAdapterScaleRange.max,
    nullable: true,
    description: "How strongly their avatar steers the picture. Default: the request's `ip_adapter_scale`.",
    example: 0.5,
  })
  @IsOptional()
  @IsNumber()
  @Min(ipAdapterScaleRange.min)
  @Max(ipAdapterScaleRange.max)
  ip_adapter_scale?: number | null;
}
