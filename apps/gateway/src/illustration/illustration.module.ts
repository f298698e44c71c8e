import { Module } from '@nestjs/common';

import { AppConfig } from '../config/app-config.js';
import { Dispatch } from './dispatch.js';
import { Illustrator } from './domain/illustrator.js';
import { IllustrationService } from './illustration.service.js';
import { LoraAdmission } from './lora-admission.js';
import { ReferenceImages } from './reference-images.js';
import { IllustrationsController } from './rest/illustrations.controller.js';
import { Results } from './results.js';
import { FakeIllustrator } from './worker/fake-illustrator.js';
import { GrpcIllustrator } from './worker/grpc-illustrator.js';

/** Drawing illustrations: the REST face, the service and whatever draws. */
@Module({
  controllers: [IllustrationsController],
  providers: [
    IllustrationService,
    LoraAdmission,
    ReferenceImages,
    Dispatch,
    Results,
    { provide: Illustrator, inject: [AppConfig], useFactory: makeIllustrator },
  ],
  exports: [Illustrator],
})
export class IllustrationModule {}

function makeIllustrator({ worker }: AppConfig): Illustrator {
  return worker.kind === 'grpc' ? new GrpcIllustrator(worker.address) : new FakeIllustrator();
}
