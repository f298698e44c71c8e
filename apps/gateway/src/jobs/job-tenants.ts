import { Injectable } from '@nestjs/common';

import { Database } from '../database/database.js';
import type { PictureOwners } from '../storage/picture-owners.js';
import { isJobId } from './domain/job.js';

const idLength = 36;

/** Whose jobs these are, for who has only a picture's name: the job's id, with `-2`, `-3` ... behind it for the others. */
@Injectable()
export class JobTenants implements PictureOwners {
  constructor(private readonly database: Database) {}

  async tenantOf(resultId: string): Promise<string | undefined> {
    const jobId = resultId.slice(0, idLength);
    if (!isJobId(jobId)) return undefined;
    const [row] = await this.database.query<{ tenant: string }>(
      'SELECT tenant FROM illustration.jobs WHERE id = $1::uuid',
      [jobId],
    );
    return row?.tenant;
  }
}
