import { ApiProperty } from '@nestjs/swagger';

/** The page of the prototype, byte for byte. */
export class HealthReply {
  @ApiProperty({ enum: ['healthy', 'unhealthy'] })
  status: 'healthy' | 'unhealthy';

  @ApiProperty({ description: 'Why, when unhealthy.', example: 'Image generation service is ready' })
  message: string;
}

export class ProbeReply {
  @ApiProperty({ enum: ['ok', 'error', 'shutting_down'] })
  status: string;
}

export class ServiceReply {
  @ApiProperty({ example: 'autobio-illustration' })
  service: string;

  @ApiProperty({ example: '0.1.0' })
  version: string;

  @ApiProperty({ required: false, example: '/docs', description: 'Absent when the documentation is switched off.' })
  docs?: string;

  @ApiProperty({ example: '/health' })
  health: string;
}
