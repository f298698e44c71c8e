import type { ServerWritableStream } from '@grpc/grpc-js';
import { type BeforeApplicationShutdown, Controller, UseFilters } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import type { Observable } from 'rxjs';

import { NeedsScope } from '../../auth/scope.decorator.js';
import { currentTenant } from '../../auth/tenant.js';
import { DomainError } from '../../errors/domain-error.js';
import { GrpcStatusFilter } from '../../errors/grpc-status.filter.js';
import type {
  CancelJobRequest,
  CancelJobResponse,
  EraseUserDataRequest,
  EraseUserDataResponse,
  GetJobRequest,
  GetJobResponse,
  ListJobsRequest,
  ListJobsResponse,
} from '../../generated/autobio/illustration/v1/job.js';
import type { DescribeModelsResponse } from '../../generated/autobio/illustration/v1/models.js';
import type { IllustrateRequest, IllustrateResponse } from '../../generated/autobio/illustration/v1/illustration.js';
import type { Job } from '../../jobs/domain/job.js';
import { JobStore } from '../../jobs/job-store.js';
import { UserErasure } from '../erasure/user-erasure.js';
import { toJobPageRequest } from '../job-page-rules.js';
import { JobViews } from '../job-views.js';
import { Models } from '../models.js';
import { IllustrateCalls } from './illustrate-calls.js';
import { fromWireState, toJobMessage } from './job-messages.js';
import { toModelsMessage } from './models-message.js';

const service = 'IllustrationService';

/** `autobio.illustration.v1.IllustrationService`: the same jobs as over REST. */
@UseFilters(GrpcStatusFilter)
@Controller()
export class IllustrationGrpcController implements BeforeApplicationShutdown {
  constructor(
    private readonly store: JobStore,
    private readonly views: JobViews,
    private readonly calls: IllustrateCalls,
    private readonly models: Models,
    private readonly erasure: UserErasure,
  ) {}

  @NeedsScope('generate')
  @GrpcMethod(service, 'illustrate')
  illustrate(
    request: IllustrateRequest,
    _metadata: unknown,
    call: ServerWritableStream<IllustrateRequest, IllustrateResponse>,
  ): Observable<IllustrateResponse> {
    return this.calls.follow(request, call);
  }

  @NeedsScope('read')
  @GrpcMethod(service, 'getJob')
  async getJob({ jobId }: GetJobRequest): Promise<GetJobResponse> {
    return { job: await this.messageOf(await this.store.get(currentTenant(), jobId)) };
  }

  @NeedsScope('read')
  @GrpcMethod(service, 'listJobs')
  async listJobs({ pageSize, pageToken, state }: ListJobsRequest): Promise<ListJobsResponse> {
    const fields = { pageSize, pageToken, state: state === undefined ? undefined : fromWireState(state) };
    const { jobs, nextPageToken = '' } = await this.store.list(currentTenant(), toJobPageRequest(fields, '/'));
    const views = await Promise.all(jobs.map((job) => this.views.withoutOutlook(job)));
    return { jobs: views.map(toJobMessage), nextPageToken };
  }

  @NeedsScope('generate')
  @GrpcMethod(service, 'cancelJob')
  async cancelJob({ jobId }: CancelJobRequest): Promise<CancelJobResponse> {
    return { job: await this.messageOf(await this.store.requestCancel(currentTenant(), jobId)) };
  }

  @NeedsScope('read')
  @GrpcMethod(service, 'describeModels')
  async describeModels(): Promise<DescribeModelsResponse> {
    return toModelsMessage(await this.models.describe());
  }

  @NeedsScope('admin')
  @GrpcMethod(service, 'eraseUserData')
  async eraseUserData({ userId }: EraseUserDataRequest): Promise<EraseUserDataResponse> {
    const { cachedEmbeddings, ...counts } = await this.erasure.erase(currentTenant(), userId);
    return { ...counts, cachedEmbeddings: cachedEmbeddings ?? undefined };
  }

  beforeApplicationShutdown(): void {
    this.calls.endAll(new DomainError('draining', 'This instance is shutting down; the job goes on.'));
  }

  private async messageOf(job: Job) {
    return toJobMessage(await this.views.of(job));
  }
}
