import { Module } from '@nestjs/common';

import { JobViews } from './job-views.js';
import { JobEventStreams } from './rest/job-events.js';
import { JobsController } from './rest/jobs.controller.js';

/** Looking at jobs over REST: pages, lists, events. Needs the job path and the object store from global modules. */
@Module({
  controllers: [JobsController],
  providers: [JobViews, JobEventStreams],
  exports: [JobViews, JobEventStreams],
})
export class IllustrationReadingModule {}
