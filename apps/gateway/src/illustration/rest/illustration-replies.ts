import { Injectable } from '@nestjs/common';

import type { Job } from '../../jobs/domain/job.js';
import { ObjectStore } from '../../storage/object-store.js';
import { imagesOf, isCached, timingsOf, warningsOf } from '../job-outcome.js';
import { Results } from '../results.js';
import type { ResponseFormat } from './dto/illustration-options.dto.js';
import type { IllustrationDto, IllustrationsDto } from './dto/illustrations.dto.js';

/** The stages of a job in the order in which they happen, as `Server-Timing` names them. */
const stages = ['queue', 'reference', 'encode', 'denoise', 'decode', 'png', 'upload'] as const;

/** Makes the reply to a caller who waited for the pictures. */
@Injectable()
export class IllustrationReplies {
  constructor(
    private readonly store: ObjectStore,
    private readonly results: Results,
  ) {}

  /** @param job a succeeded one */
  async of(job: Job, format: ResponseFormat): Promise<IllustrationsDto> {
    const data = imagesOf(job).map(async ({ key, seed, width, height }): Promise<IllustrationDto> => {
      const { s3Uri, url: localUrl } = this.store.locate(key);
      const url = format === 'url' ? await this.store.downloadUrl(key) : localUrl;
      return {
        s3_uri: s3Uri,
        ...(url !== undefined && { url }),
        seed,
        width,
        height,
        ...(format === 'b64_json' && { b64_json: (await this.results.read(key)).toString('base64') }),
      };
    });
    const warnings = warningsOf(job);
    return {
      data: await Promise.all(data),
      job_id: job.id,
      cached: isCached(job),
      ...(warnings.length > 0 && { warnings }),
    };
  }

  /** `Server-Timing` of a succeeded job, in milliseconds. */
  serverTiming(job: Job): string {
    const timings = timingsOf(job);
    return stages.map((stage) => `${stage};dur=${timings[`${stage}_ms`]}`).join(', ');
  }
}
