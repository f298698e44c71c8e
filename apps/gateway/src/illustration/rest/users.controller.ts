import { Controller, Delete, HttpCode, HttpStatus, Param } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';

import { NeedsScope } from '../../auth/scope.decorator.js';
import { currentTenant } from '../../auth/tenant.js';
import { IgnoresBody } from '../../http/body.interceptor.js';
import { UserErasure } from '../erasure/user-erasure.js';
import { identifierSchema } from './dto/identifier-schema.js';
import { ErasedDto } from './dto/erased.dto.js';

@ApiTags('users')
@NeedsScope('admin')
@Controller('v1/users')
export class UsersController {
  constructor(private readonly erasure: UserErasure) {}

  @Delete(':user_id/data')
  @HttpCode(HttpStatus.OK)
  @IgnoresBody()
  @ApiOperation({
    summary: 'Erase what was drawn for a user',
    description:
      'Jobs with their prompts, pictures, idempotency keys and cached results, of your tenant; and what the worker has ' +
      'encoded, of everybody. Needs the scope `admin`. Again while `pending_jobs` is not 0.',
  })
  @ApiParam({ name: 'user_id', ...identifierSchema })
  @ApiOkResponse({ type: ErasedDto })
  async erase(@Param('user_id') userId: string): Promise<ErasedDto> {
    const erased = await this.erasure.erase(currentTenant(), userId);
    return {
      jobs: erased.jobs,
      pictures: erased.pictures,
      idempotency_keys: erased.idempotencyKeys,
      cached_results: erased.cachedResults,
      cached_embeddings: erased.cachedEmbeddings,
      pending_jobs: erased.pendingJobs,
    };
  }
}
