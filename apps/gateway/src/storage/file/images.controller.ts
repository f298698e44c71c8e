import { Controller, Get, Param, Res } from '@nestjs/common';
import { ApiNotFoundResponse, ApiOkResponse, ApiOperation, ApiParam, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';

import { NeedsScope } from '../../auth/scope.decorator.js';
import { currentTenant } from '../../auth/tenant.js';
import { DomainError } from '../../errors/domain-error.js';
import { ObjectKeys } from '../object-keys.js';
import { PictureOwners } from '../picture-owners.js';
import { ObjectForbiddenError, ObjectNotFoundError, ObjectStore, type StoredObject } from '../object-store.js';
import { FileObjectStore } from './file-object-store.js';

/** Largest picture that is served. A 2048 x 2048 PNG of noise has 12.6 MB. */
const maxImageBytes = 64 * 1024 * 1024;

/**
 * Serves finished illustrations of the file store to a browser. Reference images lie in the same folder and are never
 * served: only keys of results are looked up at all. With another store every path is unknown.
 */
@ApiTags('images')
@NeedsScope('read')
@Controller('images')
export class ImagesController {
  constructor(
    private readonly store: ObjectStore,
    private readonly keys: ObjectKeys,
    private readonly owners: PictureOwners,
  ) {}

  @Get('*key')
  @ApiOperation({ summary: 'A finished illustration of the built-in file store' })
  @ApiParam({ name: 'key', description: 'Key of the result, as in `s3_uri` after the bucket.', type: String })
  @ApiProduces('image/png')
  @ApiOkResponse({ description: 'The PNG.', schema: { type: 'string', format: 'binary' } })
  @ApiNotFoundResponse({
    description: '`not-found`: no such illustration.',
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  })
  async image(@Param('key') segments: string | string[], @Res() response: Response): Promise<void> {
    const image = await this.read(Array.isArray(segments) ? segments.join('/') : segments);
    response.type('image/png');
    // A result never changes once its key is known; private, because it shows a person.
    response.set('Cache-Control', 'private, max-age=31536000, immutable');
    response.set('X-Content-Type-Options', 'nosniff');
    if (image.etag !== undefined) response.set('ETag', image.etag);
    response.send(image.body);
  }

  private async read(key: string): Promise<StoredObject> {
    const id = this.keys.resultIdIn(key);
    if (!(this.store instanceof FileObjectStore) || id === undefined) throw noSuchImage();
    const owner = await this.owners.tenantOf(id);
    if (owner !== undefined && owner !== currentTenant()) throw noSuchImage();
    try {
      return await this.store.get(key, { maxBytes: maxImageBytes });
    } catch (error) {
      if (error instanceof ObjectNotFoundError || error instanceof ObjectForbiddenError) throw noSuchImage();
      throw error;
    }
  }
}

function noSuchImage(): DomainError {
  return new DomainError('not-found', 'There is no such image.');
}
