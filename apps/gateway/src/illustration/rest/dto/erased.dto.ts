import { ApiProperty } from '@nestjs/swagger';

/** What an erasure has removed. */
export class ErasedDto {
  @ApiProperty({
    type: 'integer',
    description: 'Jobs, each with its prompts, events, receipt and unfinished pictures.',
  })
  jobs: number;

  @ApiProperty({ type: 'integer', description: 'Pictures of these jobs in the object store.' })
  pictures: number;

  @ApiProperty({ type: 'integer' })
  idempotency_keys: number;

  @ApiProperty({ type: 'integer', description: 'Entries of the result cache.' })
  cached_results: number;

  @ApiProperty({
    type: 'integer',
    nullable: true,
    description:
      'What the worker kept of prompts and reference images it has encoded, of all users: it does not know whose they ' +
      'are. null: the worker did not answer; it is told as soon as it does, and one that starts anew keeps nothing.',
  })
  cached_embeddings: number | null;

  @ApiProperty({
    type: 'integer',
    description: 'Jobs that were told to stop and have not settled: erase again in half a minute.',
  })
  pending_jobs: number;
}
