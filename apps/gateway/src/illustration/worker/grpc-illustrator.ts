import { credentials, type Channel, type Metadata } from '@grpc/grpc-js';
import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';

import { DomainError } from '../../errors/domain-error.js';
import { WorkerServiceClient, type GenerateResponse } from '../../generated/autobio/worker/v1/worker.js';
import { startSpan } from '../../observability/tracing/traced.js';
import {
  Illustrator,
  type DrawingEvent,
  type DrawingTask,
  type IllustratorAvailability,
  type IllustratorProfile,
} from '../domain/illustrator.js';
import { whyAborted } from '../domain/why-aborted.js';
import { callMetadata } from './call-metadata.js';
import { forgetEmbeddings } from './forget-embeddings.js';
import { LoadProgress } from './load-progress.js';
import { LoraCourier } from './lora-courier.js';
import { DrawingAssembly, toGenerateRequest } from './mapping.js';
import { openWorkerChannel } from './worker-channel.js';
import { workerFailure } from './worker-errors.js';
import { WorkerHealth } from './worker-health.js';
import { WorkerProfile } from './worker-profile.js';

const generateMethod = 'autobio.worker.v1.WorkerService/Generate';

/** Draws with the worker, over gRPC. */
export class GrpcIllustrator extends Illustrator implements OnModuleInit, OnApplicationShutdown {
  private readonly channel: Channel;
  private readonly client: WorkerServiceClient;
  private readonly health: WorkerHealth;
  private readonly described: WorkerProfile;
  private readonly loading: LoadProgress;
  private readonly loras: LoraCourier;
  private readonly listeners = new Set<() => void>();

  /** `address` is `unix:PATH` or `HOST:PORT`. */
  constructor(address: string) {
    super();
    this.channel = openWorkerChannel(address);
    this.client = new WorkerServiceClient(address, credentials.createInsecure(), { channelOverride: this.channel });
    this.described = new WorkerProfile(this.client, () => this.tellListeners());
    this.loading = new LoadProgress(this.client);
    this.loras = new LoraCourier(this.client);
    this.health = new WorkerHealth(this.channel, () => this.onHealthChange());
  }

  onModuleInit(): void {
    this.health.start();
    this.loading.start();
  }

  /** After the last request has ended: earlier would cut off the drawings in flight. */
  onApplicationShutdown(): void {
    this.health.stop();
    this.loading.stop();
    this.described.stop();
    this.channel.close();
  }

  availability(): IllustratorAvailability {
    const availability = this.health.availability();
    if (!isStarting(availability)) return availability;
    const error = this.loading.get();
    return error === undefined ? availability : { isReady: false, error };
  }

  profile(): IllustratorProfile | undefined {
    return this.described.get();
  }

  describe(): Promise<IllustratorProfile | undefined> {
    return this.described.askNow();
  }

  forgetEmbeddings(): Promise<number> {
    return forgetEmbeddings(this.client);
  }

  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async *draw(
    task: DrawingTask,
    { signal, deadline }: { signal: AbortSignal; deadline: Date },
  ): AsyncGenerator<DrawingEvent> {
    if (signal.aborted) throw whyAborted(signal);
    const span = startSpan(generateMethod, { kind: 'client', attributes: { 'rpc.system': 'grpc' } });
    let outcome = {};
    try {
      yield* this.drawIn(span.traceparent, task, { signal, deadline });
    } catch (error) {
      outcome = { error };
      throw error;
    } finally {
      span.end(outcome);
    }
  }

  private async *drawIn(
    traceparent: string | undefined,
    task: DrawingTask,
    { signal, deadline }: { signal: AbortSignal; deadline: Date },
  ): AsyncGenerator<DrawingEvent> {
    const assembly = new DrawingAssembly();
    const metadata = callMetadata(task, traceparent);
    try {
      for await (const response of this.responses(task, metadata, { signal, deadline })) {
        if (response.event?.$case === 'loraNeeded') yield* this.bringLora(task, { signal, deadline });
        const event = assembly.accept(response);
        if (event !== undefined) yield event;
      }
    } catch (error) {
      throw signal.aborted ? whyAborted(signal) : workerFailure(error);
    }
    // Only after the stream has ended well: a failure after the last piece is still a failure.
    yield { type: 'finished', drawing: assembly.drawing() };
  }

  private async *bringLora(
    { lora }: DrawingTask,
    options: { signal: AbortSignal; deadline: Date },
  ): AsyncGenerator<DrawingEvent> {
    if (lora === undefined) throw new DomainError('generation-failed', 'The worker asks for a LoRA; there is none.');
    for await (const sentBytes of this.loras.bring(lora.file, options)) yield { type: 'lora', sentBytes };
  }

  private onHealthChange(): void {
    const availability = this.health.availability();
    if (availability.isReady) this.described.ask();
    if (isStarting(availability)) this.loading.start();
    else this.loading.stop();
    this.tellListeners();
  }

  private tellListeners(): void {
    this.listeners.forEach((listener) => listener());
  }

  /** The worker's stream, read as fast as it is consumed. The call is over when the iteration is, however it ends. */
  private async *responses(
    task: DrawingTask,
    metadata: Metadata,
    { signal, deadline }: { signal: AbortSignal; deadline: Date },
  ): AsyncGenerator<GenerateResponse> {
    const call = this.client.generate(toGenerateRequest(task), metadata, { deadline });
    const cancel = (): void => call.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    // The iteration reports errors; this keeps the one that follows a cancel after its end from ending the process.
    call.on('error', () => undefined);
    try {
      yield* call as AsyncIterable<GenerateResponse>;
    } finally {
      signal.removeEventListener('abort', cancel);
      cancel();
    }
  }
}

function isStarting(availability: IllustratorAvailability): boolean {
  return !availability.isReady && availability.error.reason === 'starting';
}
