import { Controller, Get, HttpCode, HttpStatus, Param, Post, Req, Res } from '@nestjs/common';
import {
  ApiConflictResponse,
  ApiHeader,
  ApiNoContentResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiQuery,
  ApiTags,
} from '@nestjs/swagger';
import type { Request, Response } from 'express';

import { NeedsScope } from '../../auth/scope.decorator.js';
import { currentTenant } from '../../auth/tenant.js';
import { Drain } from '../../http/drain.js';
import { isFinal, jobStates } from '../../jobs/domain/job.js';
import type { JobPageRequest } from '../../jobs/job-pages.js';
import { JobStore } from '../../jobs/job-store.js';
import { defaultPageSize, pageSizeRange } from '../job-page-rules.js';
import type { JobView } from '../job-view.js';
import { JobViews } from '../job-views.js';
import { JobDto, JobPageDto } from './dto/job.dto.js';
import { JobEventStreams } from './job-events.js';
import { JobPageQuery, LastEventId } from './jobs-query.js';

const problem = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };

/** Looking at jobs, and cancelling them. Nothing here begins work. */
@ApiTags('jobs')
@NeedsScope('read')
@Controller('v1/jobs')
export class JobsController {
  constructor(
    private readonly store: JobStore,
    private readonly views: JobViews,
    private readonly streams: JobEventStreams,
    private readonly drain: Drain,
  ) {}

  @Get()
  @ApiOperation({ summary: 'List jobs, newest first' })
  @ApiQuery({
    name: 'page_size',
    required: false,
    schema: { type: 'integer', minimum: pageSizeRange.min, maximum: pageSizeRange.max, default: defaultPageSize },
  })
  @ApiQuery({ name: 'page_token', required: false, schema: { type: 'string' } })
  @ApiQuery({ name: 'state', required: false, schema: { type: 'string', enum: [...jobStates] } })
  @ApiOkResponse({ type: JobPageDto })
  async list(@JobPageQuery() page: JobPageRequest): Promise<JobPageDto> {
    const { jobs, nextPageToken = '' } = await this.store.list(currentTenant(), page);
    return {
      jobs: await Promise.all(jobs.map((job) => this.views.withoutOutlook(job))),
      next_page_token: nextPageToken,
    };
  }

  @Get(':id')
  @ApiOperation({ summary: 'How a job stands', description: 'Place in the queue, progress, result, receipt, error.' })
  @ApiOkResponse({ type: JobDto })
  @ApiNotFoundResponse({ description: 'Unknown here, or not yours.', content: problem })
  async get(@Param('id') id: string): Promise<JobView> {
    return this.views.of(await this.store.get(currentTenant(), id));
  }

  @Post(':id/cancel')
  @NeedsScope('generate')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    summary: 'Cancel a job',
    description: 'A waiting job at once, a running one within a step; again and again does no harm.',
  })
  @ApiOkResponse({ type: JobDto })
  @ApiNotFoundResponse({ description: 'Unknown here, or not yours.', content: problem })
  @ApiConflictResponse({ description: '`job-not-cancelable`: it has ended otherwise.', content: problem })
  async cancel(@Param('id') id: string): Promise<JobView> {
    return this.views.of(await this.store.requestCancel(currentTenant(), id));
  }

  @Get(':id/events')
  @ApiOperation({
    summary: 'What happens to a job, as server-sent events',
    description: 'Past events first, then live ones; the event of the end is the last. Watching never begins work.',
  })
  @ApiHeader({ name: 'Last-Event-ID', required: false, description: 'Only events after the one with this id.' })
  @ApiQuery({ name: 'last_event_id', required: false, description: 'The same, where no header can be set.' })
  @ApiOkResponse({ content: { 'text/event-stream': { schema: { type: 'string' } } } })
  @ApiNoContentResponse({
    description: 'The job has ended, and its last event is known to the reader: do not come back.',
  })
  @ApiNotFoundResponse({ description: 'Unknown here, or not yours.', content: problem })
  async events(
    @Param('id') id: string,
    @LastEventId() afterSeq: number,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const job = await this.store.get(currentTenant(), id);
    if (isFinal(job.state) && afterSeq >= job.lastSeq) {
      // EventSource comes back after every end; this status alone tells it that there is nothing more.
      response.status(HttpStatus.NO_CONTENT).end();
    } else if (request.method === 'HEAD') {
      response.status(HttpStatus.OK).type('text/event-stream').end();
    } else {
      await this.streams.streamJobEvents(job, response, { afterSeq, until: this.drain.begun });
    }
  }
}
