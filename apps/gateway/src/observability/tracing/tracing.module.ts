import { Injectable, Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';

import { AppConfig } from '../../config/app-config.js';
import { watchQueueing } from './job-spans.js';
import { traceWith } from './traced.js';
import { noTracer, type Tracer } from './tracer.js';

/** Turns tracing on while the application lives, if the settings name a collector. */
@Injectable()
class Tracing implements OnApplicationBootstrap, OnApplicationShutdown {
  private tracer: Tracer = noTracer;
  private stopWatching: () => void = () => undefined;

  constructor(private readonly config: AppConfig) {}

  async onApplicationBootstrap(): Promise<void> {
    const { tracing } = this.config;
    if (!tracing.isEnabled) return;
    // Loaded here, because without a collector nobody needs it.
    const { makeOtelTracer } = await import('./otel-tracer.js');
    this.tracer = makeOtelTracer(tracing);
    traceWith(this.tracer);
    this.stopWatching = watchQueueing();
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopWatching();
    traceWith(noTracer);
    await this.tracer.stop();
  }
}

@Module({ providers: [Tracing] })
export class TracingModule {}
