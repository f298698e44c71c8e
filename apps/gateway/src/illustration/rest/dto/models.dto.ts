import { ApiProperty, ApiPropertyOptional, ApiSchema } from '@nestjs/swagger';

import type { DrawerView, HeldLoraView, LimitsView, ModelFileView, ModelsView, RangeView } from '../../models-view.js';

// These classes describe `ModelsView` to OpenAPI; the compiler keeps the two alike.

@ApiSchema({ name: 'Range', description: 'Both ends included.' })
class RangeDto implements RangeView {
  @ApiProperty({ type: 'number', example: 1 })
  min: number;

  @ApiProperty({ type: 'number', example: 150 })
  max: number;
}

@ApiSchema({ name: 'ModelFile' })
class ModelFileDto implements ModelFileView {
  @ApiProperty({ type: String, enum: ['base', 'lora', 'ip_adapter', 'image_encoder', 'vae'], example: 'base' })
  role: string;

  @ApiProperty({ type: String, example: 's3://autobio-models/sketch.safetensors' })
  source: string;

  @ApiProperty({ type: String, description: 'What it was found to be.', example: 'SDXL checkpoint' })
  kind: string;

  @ApiProperty({ type: String, description: 'SHA-256, lower-case hexadecimal; empty where it is not known.' })
  sha256: string;

  @ApiProperty({ type: 'integer', description: '0 where it is not known.', example: 6938040682 })
  size_bytes: number;
}

@ApiSchema({ name: 'HeldLora' })
class HeldLoraDto implements HeldLoraView {
  @ApiProperty({ type: String, example: 'ada-2' })
  lora_id: string;

  @ApiProperty({ type: String, description: 'SHA-256 of the file, lower-case hexadecimal.' })
  sha256: string;

  @ApiProperty({ type: 'integer', example: 23390424 })
  size_bytes: number;
}

@ApiSchema({ name: 'Drawer' })
class DrawerDto implements DrawerView {
  @ApiProperty({ type: String, example: '0.1.0' })
  worker_version: string;

  @ApiProperty({ type: String, enum: ['batching', 'stock', 'fake'], example: 'batching' })
  engine: string;

  @ApiProperty({ type: String, example: 'EulerDiscreteScheduler' })
  scheduler: string;

  @ApiProperty({ type: String, example: 'cuda' })
  device: string;

  @ApiProperty({ type: String, example: 'float16' })
  dtype: string;
}

@ApiSchema({ name: 'Limits' })
class LimitsDto implements LimitsView {
  @ApiProperty({ type: RangeDto, description: 'Pixels of a side, in steps of `image_size_multiple`.' })
  image_size: RangeDto;

  @ApiProperty({ type: 'integer', example: 8 })
  image_size_multiple: number;

  @ApiProperty({ type: 'integer', example: 1024 })
  default_image_size: number;

  @ApiProperty({ type: RangeDto })
  num_inference_steps: RangeDto;

  @ApiProperty({ type: RangeDto })
  n: RangeDto;

  @ApiProperty({ type: RangeDto })
  people: RangeDto;

  @ApiProperty({ type: RangeDto, description: 'Of one person, from several angles.' })
  reference_images: RangeDto;

  @ApiProperty({ type: RangeDto })
  ip_adapter_scale: RangeDto;

  @ApiProperty({ type: RangeDto })
  guidance_scale: RangeDto;

  @ApiProperty({ type: RangeDto })
  lora_scale: RangeDto;

  @ApiProperty({ type: 'integer', description: '0: requests cannot name a LoRA.', example: 2147483648 })
  max_lora_bytes: number;
}

@ApiSchema({ name: 'Models', description: 'What draws, and what may be asked of it.' })
export class ModelsDto implements ModelsView {
  @ApiProperty({ type: Boolean, description: 'A small model that comes with the service, not SDXL.' })
  is_demo_model: boolean;

  @ApiPropertyOptional({ type: String, description: 'What that model is and draws.' })
  note?: string;

  @ApiProperty({ type: String, description: 'Equal digests draw equal pictures.' })
  model_digest: string;

  @ApiProperty({ type: DrawerDto })
  drawn_by: DrawerDto;

  @ApiProperty({ type: ModelFileDto })
  base: ModelFileDto;

  @ApiProperty({ type: [ModelFileDto], description: 'The IP-Adapter and its image encoder.' })
  adapters: ModelFileDto[];

  @ApiProperty({ type: [ModelFileDto], description: 'LoRAs that are always on, a VAE.' })
  other_files: ModelFileDto[];

  @ApiProperty({ type: [HeldLoraDto], description: 'In memory now, the latest used first.' })
  held_loras: HeldLoraDto[];

  @ApiProperty({ type: LimitsDto })
  limits: LimitsDto;
}
