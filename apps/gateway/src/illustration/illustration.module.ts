import { Module } from '@nestjs/common';

import { AppConfig } from '../config/app-config.js';
import { JobRunner } from '../jobs/job-runner.js';
import { Illustrator } from './domain/illustrator.js';
import { Drafts } from './drafts.js';
import { DrawingDesk } from './drawing-desk.js';
import { UserErasure } from './erasure/user-erasure.js';
import { WorkerMemory } from './erasure/worker-memory.js';
import { IllustrationReadingModule } from './illustration-reading.module.js';
import { IllustrationRunner } from './illustration-runner.js';
import { IllustrationService } from './illustration.service.js';
import { JobWait } from './job-wait.js';
import { LoraFiles } from './lora-files.js';
import { Models } from './models.js';
import { PictureDrawing } from './picture-drawing.js';
import { PictureMaker } from './picture-maker.js';
import { ReferenceImages } from './reference-images.js';
import { IllustrationCalls } from './rest/illustration-calls.js';
import { IllustrationReplies } from './rest/illustration-replies.js';
import { IllustrationsController } from './rest/illustrations.controller.js';
import { ModelsController } from './rest/models.controller.js';
import { ResultCache } from './result-cache/result-cache.js';
import { TwinDrawings } from './result-cache/twin-drawings.js';
import { UsersController } from './rest/users.controller.js';
import { Results } from './results.js';
import { FakeIllustrator } from './worker/fake-illustrator.js';
import { GrpcIllustrator } from './worker/grpc-illustrator.js';

/** Drawing illustrations: the REST face, accepting them as jobs, and running these jobs. */
@Module({
  imports: [IllustrationReadingModule],
  controllers: [IllustrationsController, ModelsController, UsersController],
  providers: [
    IllustrationService,
    LoraFiles,
    Models,
    ReferenceImages,
    Results,
    DrawingDesk,
    Drafts,
    PictureDrawing,
    PictureMaker,
    ResultCache,
    TwinDrawings,
    JobWait,
    UserErasure,
    WorkerMemory,
    IllustrationReplies,
    IllustrationCalls,
    { provide: JobRunner, useClass: IllustrationRunner },
    { provide: Illustrator, inject: [AppConfig], useFactory: makeIllustrator },
  ],
  exports: [Illustrator, IllustrationService, JobRunner, Models, UserErasure],
})
export class IllustrationModule {}

function makeIllustrator({ worker }: AppConfig): Illustrator {
  return worker.kind === 'grpc' ? new GrpcIllustrator(worker.address) : new FakeIllustrator();
}
