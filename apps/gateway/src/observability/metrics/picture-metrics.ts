import { Counter, Histogram, type Registry } from 'prom-client';
import { z } from 'zod';

import { timingsOf } from '../../illustration/job-outcome.js';
import type { Job } from '../../jobs/domain/job.js';
import { jobMoved } from '../../jobs/job-signals.js';
import { stageSeconds } from './buckets.js';
import { tenantClassOf } from './tenant-class.js';

/** What is counted of a receipt. */
const receipt = z.object({
  gpu_seconds: z.number(),
  images: z.array(
    z.object({
      adopted: z.boolean(),
      cached_from: z.string().nullish(),
      resumed_from_step: z.number().nullable(),
    }),
  ),
});

type ReceiptImage = z.infer<typeof receipt>['images'][number];

/** The pictures of succeeded jobs: what they cost and where their time went, as their receipts say. */
export class PictureMetrics {
  private readonly pictures: Counter;
  private readonly gpuSeconds: Counter;
  private readonly stages: Histogram;

  constructor(registry: Registry) {
    const registers = [registry];
    this.pictures = new Counter({
      name: 'illustration_pictures_total',
      help: 'Pictures of succeeded jobs. `origin`: `drawn` from the first step, `resumed` from a checkpoint, `adopted` from an earlier attempt that had stored it, `cached`: copied from another job.',
      labelNames: ['kind', 'origin'],
      registers,
    });
    this.gpuSeconds = new Counter({
      name: 'illustration_gpu_seconds_total',
      help: "Device time of succeeded jobs' last attempts. `tenant_class`: `default` is the shared token, `named` all others.",
      labelNames: ['tenant_class', 'kind'],
      registers,
    });
    this.stages = new Histogram({
      name: 'illustration_job_stage_seconds',
      help: 'Where the time of a succeeded job went; the stages add up to the whole.',
      labelNames: ['stage'],
      buckets: stageSeconds,
      registers,
    });
  }

  /** @returns how to stop */
  watch(): (() => void)[] {
    return [jobMoved.watch(({ job, transition }) => transition.type === 'succeeded' && this.onSucceeded(job))];
  }

  private onSucceeded(job: Job): void {
    const read = receipt.safeParse(job.receipt);
    // A receipt of another version of the service.
    if (!read.success) return;
    const { kind, tenant } = job;
    this.gpuSeconds.inc({ tenant_class: tenantClassOf(tenant), kind }, read.data.gpu_seconds);
    for (const image of read.data.images) this.pictures.inc({ kind, origin: originOf(image) });
    for (const [name, ms] of Object.entries(timingsOf(job))) {
      const stage = name.replace(/_ms$/, '');
      if (stage !== 'total') this.stages.labels(stage).observe(ms / 1000);
    }
  }
}

function originOf({ adopted, cached_from: source, resumed_from_step: step }: ReceiptImage): string {
  if (adopted) return 'adopted';
  if (typeof source === 'string') return 'cached';
  return step === null ? 'drawn' : 'resumed';
}
