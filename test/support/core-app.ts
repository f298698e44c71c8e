// The gateway's core (everything but illustrations and storage) as a real application, with stand-ins behind the ports.
import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Body,
  Controller,
  Get,
  Global,
  type INestApplication,
  Logger,
  Module,
  NotFoundException,
  Param,
  Post,
  type Type,
} from '@nestjs/common';
import { IsInt, IsOptional, IsString } from 'class-validator';
import { LoggerModule } from 'nestjs-pino';
import { z } from 'zod';
import { anyScope, NeedsScope } from '../../apps/gateway/src/auth/scope.decorator.js';
import { AuthModule } from '../../apps/gateway/src/auth/auth.module.js';
import { AppConfig } from '../../apps/gateway/src/config/app-config.js';
import { AppConfigModule } from '../../apps/gateway/src/config/config.module.js';
import { loadConfig } from '../../apps/gateway/src/config/load-config.js';
import { Database } from '../../apps/gateway/src/database/database.js';
import { DomainError } from '../../apps/gateway/src/errors/domain-error.js';
import { ErrorsModule } from '../../apps/gateway/src/errors/errors.module.js';
import { isReason } from '../../apps/gateway/src/errors/reason-names.js';
import { HealthModule } from '../../apps/gateway/src/health/health.module.js';
import { createApp } from '../../apps/gateway/src/http/create-app.js';
import { HttpModule } from '../../apps/gateway/src/http/http.module.js';
import { UnroutedModule } from '../../apps/gateway/src/http/unrouted.module.js';
import {
  type DrawingEvent,
  Illustrator,
  type IllustratorAvailability,
} from '../../apps/gateway/src/illustration/domain/illustrator.js';
import { LifecycleModule } from '../../apps/gateway/src/lifecycle/lifecycle.module.js';
import { logOptions } from '../../apps/gateway/src/observability/log-options.js';
import { OpenApiModule } from '../../apps/gateway/src/openapi/openapi.module.js';
import {
  type ConditionalPut,
  type ObjectLocation,
  type ObjectStat,
  ObjectStore,
  type StoredObject,
} from '../../apps/gateway/src/storage/object-store.js';

/** Only its availability matters to the core. */
export class StandInIllustrator extends Illustrator {
  now: IllustratorAvailability = { isReady: true };

  // oxlint-disable-next-line require-yield -- the core never draws
  async *draw(): AsyncIterable<DrawingEvent> {
    throw new Error('not drawn in these tests');
  }

  availability(): IllustratorAvailability {
    return this.now;
  }

  profile(): undefined {
    return undefined;
  }

  describe(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  forgetEmbeddings(): Promise<number> {
    return Promise.resolve(0);
  }

  onChange(): () => void {
    return () => undefined;
  }
}

/** Only its check matters to the core. */
export class StandInStore extends ObjectStore {
  checks = 0;
  check: () => Promise<void> = async () => {
    this.checks += 1;
  };

  get(): Promise<StoredObject> {
    return Promise.reject(new Error('not read in these tests'));
  }

  // oxlint-disable-next-line require-yield -- the core never reads
  async *stream(): AsyncIterable<Buffer> {
    throw new Error('not read in these tests');
  }

  put(): Promise<void> {
    return Promise.reject(new Error('not written in these tests'));
  }

  stat(): Promise<ObjectStat | undefined> {
    return Promise.reject(new Error('not asked in these tests'));
  }

  putIfAbsent(): Promise<ConditionalPut> {
    return Promise.reject(new Error('not written in these tests'));
  }

  remove(): Promise<void> {
    return Promise.reject(new Error('nothing is removed in these tests'));
  }

  downloadUrl(): Promise<string> {
    return Promise.reject(new Error('not asked in these tests'));
  }

  locate(key: string): ObjectLocation {
    return { s3Uri: `s3://local/${key}` };
  }
}

/** Only that it answers matters to the core. */
export class StandInDatabase {
  query: () => Promise<object[]> = () => Promise.resolve([]);
}

@Global()
@Module({
  providers: [
    { provide: Database, useClass: StandInDatabase },
    { provide: Illustrator, useClass: StandInIllustrator },
    { provide: ObjectStore, useClass: StandInStore },
  ],
  exports: [Database, Illustrator, ObjectStore],
})
class PortsModule {}

class EchoRequest {
  @IsString()
  user_id: string;

  @IsOptional()
  @IsInt()
  steps?: number;
}

/** Routes that fail and wait on purpose. */
@NeedsScope(anyScope)
@Controller('v1')
class TrialController {
  private readonly logger = new Logger('trial');
  private readonly releases = new Map<string, () => void>();

  @Post('echo')
  echo(@Body() body: EchoRequest): EchoRequest {
    this.logger.log('echoing');
    return body;
  }

  @Get('fail/:reason')
  fail(@Param('reason') reason: string): never {
    if (isReason(reason)) {
      throw new DomainError(reason, `because of ${reason}`);
    }
    throw reason === 'nest' ? new NotFoundException('a text of the framework') : new Error('a secret text');
  }

  /** Answers when `release` is called for the same name. */
  @Post('wait/:name')
  async wait(@Param('name') name: string): Promise<{ done: string }> {
    await new Promise<void>((resolve) => {
      this.releases.set(name, resolve);
    });
    return { done: name };
  }

  isWaiting(name: string): boolean {
    return this.releases.has(name);
  }

  release(name: string): void {
    this.releases.get(name)?.();
  }
}

export interface CoreApp {
  app: INestApplication;
  illustrator: StandInIllustrator;
  store: StandInStore;
  database: StandInDatabase;
  trial: TrialController;
  /** What was logged so far, line by line. */
  logLines(): Record<string, unknown>[];
}

/** @param env settings as environment variables, over the defaults */
export async function startCoreApp(env: Record<string, string> = {}): Promise<CoreApp> {
  const config: AppConfig = loadConfig({ LOG_LEVEL: 'debug', ...env });
  const written: string[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk.toString());
      done();
    },
  });
  const app = await createApp({
    module: class CoreModule {} as Type,
    controllers: [TrialController],
    imports: [
      AppConfigModule.of(config),
      LoggerModule.forRoot({ pinoHttp: [logOptions(config), stream], forRoutes: [] }),
      ErrorsModule,
      AuthModule,
      LifecycleModule,
      HttpModule,
      HealthModule.watching(PortsModule),
      OpenApiModule,
      UnroutedModule,
    ],
  });
  return {
    app,
    illustrator: app.get(Illustrator),
    store: app.get(ObjectStore),
    database: app.get(Database),
    trial: app.get(TrialController),
    logLines: () =>
      written
        .join('')
        .split('\n')
        .filter(Boolean)
        .map((line) => z.record(z.string(), z.unknown()).parse(JSON.parse(line))),
  };
}

/** Waits until a condition holds. Fails after 5 s. */
export async function eventually(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!condition()) {
    if (Date.now() > deadline) {
      throw new Error('the condition did not come true in 5 s');
    }
    await sleep(5);
  }
}
