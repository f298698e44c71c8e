import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsDivisibleBy, IsIn, IsInt, IsNumber, IsOptional, Max, Min } from 'class-validator';

import {
  guidanceScaleRange,
  imagesRange,
  imageSizeMultiple,
  imageSizeRange,
  ipAdapterModes,
  ipAdapterScaleRange,
  loraScaleRange,
  previewEveryRange,
  seedRange,
  stepsRange,
  type IpAdapterMode,
} from '../../domain/illustration-values.js';
import { IsIdentifier } from './identifier-rule.js';
import { identifierSchema } from './identifier-schema.js';
import { OptionalPrompt } from './prompt-rule.js';

/** `s3_uri`: where the pictures lie. `url`: also where a browser can fetch them. `b64_json`: also the pictures themselves. */
export const responseFormats = ['s3_uri', 'url', 'b64_json'] as const;
export type ResponseFormat = (typeof responseFormats)[number];

const sizeSchema = {
  type: 'integer',
  minimum: imageSizeRange.min,
  maximum: imageSizeRange.max,
  multipleOf: imageSizeMultiple,
  nullable: true,
  example: 1024,
} as const;

/** The fields that both kinds of illustration take. Optional ones may be absent or null: both mean the default. */
export abstract class IllustrationOptionsDto {
  @ApiProperty({ ...identifierSchema, description: 'Whose picture to draw.', example: 'ada' })
  @IsIdentifier()
  user_id: string;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: stepsRange.min,
    maximum: stepsRange.max,
    nullable: true,
    description: 'Denoising steps. Default: `DEFAULT_NUM_INFERENCE_STEPS` (50).',
    example: 30,
  })
  @IsOptional()
  @IsInt()
  @Min(stepsRange.min)
  @Max(stepsRange.max)
  num_inference_steps?: number | null;

  @ApiPropertyOptional({
    type: 'number',
    minimum: ipAdapterScaleRange.min,
    maximum: ipAdapterScaleRange.max,
    nullable: true,
    description: 'How strongly the reference image steers the picture. Default: `DEFAULT_IP_ADAPTER_SCALE` (0.33).',
    example: 0.33,
  })
  @IsOptional()
  @IsNumber()
  @Min(ipAdapterScaleRange.min)
  @Max(ipAdapterScaleRange.max)
  ip_adapter_scale?: number | null;

  @ApiPropertyOptional({
    type: String,
    enum: ipAdapterModes,
    nullable: true,
    description:
      'What of the reference image counts: all of it, its style, its layout, or both of these. Default: all.',
    example: 'full',
  })
  @IsOptional()
  @IsIn(ipAdapterModes)
  ip_adapter_mode?: IpAdapterMode | null;

  @OptionalPrompt({
    description: 'What the picture should not show. Default: `DEFAULT_NEGATIVE_PROMPT`.',
    example: 'error, glitch, mistake',
  })
  negative_prompt?: string | null;

  @OptionalPrompt({
    description: 'How the picture should look. Default: the configured style of its kind.',
    example: 'highest quality, monochrome, professional sketch',
  })
  style_prompt?: string | null;

  @ApiPropertyOptional({
    ...identifierSchema,
    nullable: true,
    description: 'A LoRA to draw with: `loras/LORA_ID/lora.safetensors` in the object store. Default: none.',
    example: 'ada-2',
  })
  @IsOptional()
  @IsIdentifier()
  lora_id?: string | null;

  @ApiPropertyOptional({
    type: 'number',
    minimum: loraScaleRange.min,
    maximum: loraScaleRange.max,
    nullable: true,
    description:
      'How strongly the LoRA is applied; 1 is as trained. Only with `lora_id`. Default: `DEFAULT_LORA_SCALE` (1).',
    example: 1,
  })
  @IsOptional()
  @IsNumber()
  @Min(loraScaleRange.min)
  @Max(loraScaleRange.max)
  lora_scale?: number | null;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: seedRange.min,
    maximum: seedRange.max,
    nullable: true,
    description:
      'Seed of the initial noise: the same request with the same seed gives the same picture. Default: random.',
    example: 42,
  })
  @IsOptional()
  @IsInt()
  @Min(seedRange.min)
  @Max(seedRange.max)
  seed?: number | null;

  @ApiPropertyOptional({
    type: 'number',
    minimum: guidanceScaleRange.min,
    maximum: guidanceScaleRange.max,
    nullable: true,
    description:
      'How closely the picture follows the prompts; 1 or less: not guided. Default: `DEFAULT_GUIDANCE_SCALE` (5).',
    example: 5,
  })
  @IsOptional()
  @IsNumber()
  @Min(guidanceScaleRange.min)
  @Max(guidanceScaleRange.max)
  guidance_scale?: number | null;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: imagesRange.min,
    maximum: imagesRange.max,
    nullable: true,
    description: 'Pictures to draw, each with the next seed. Default: 1.',
    example: 1,
  })
  @IsOptional()
  @IsInt()
  @Min(imagesRange.min)
  @Max(imagesRange.max)
  n?: number | null;

  @ApiPropertyOptional({ ...sizeSchema, description: "Pixels, as far as the model draws. Default: the model's own." })
  @IsImageSize()
  width?: number | null;

  @ApiPropertyOptional({ ...sizeSchema, description: "Pixels, as far as the model draws. Default: the model's own." })
  @IsImageSize()
  height?: number | null;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: previewEveryRange.min,
    maximum: previewEveryRange.max,
    nullable: true,
    description: "Show the unfinished picture in the job's events after every so many steps. Default: never.",
    example: 5,
  })
  @IsOptional()
  @IsInt()
  @Min(previewEveryRange.min)
  @Max(previewEveryRange.max)
  preview_every?: number | null;

  @ApiPropertyOptional({
    type: String,
    enum: responseFormats,
    nullable: true,
    description:
      'What the reply holds of each picture beside `s3_uri`: nothing more, a `url` for a browser, or its bytes as `b64_json`.',
    example: 's3_uri',
  })
  @IsOptional()
  @IsIn(responseFormats)
  response_format?: ResponseFormat | null;
}

function IsImageSize(): PropertyDecorator {
  return applyDecorators(
    IsOptional(),
    IsInt(),
    Min(imageSizeRange.min),
    Max(imageSizeRange.max),
    IsDivisibleBy(imageSizeMultiple),
  );
}
