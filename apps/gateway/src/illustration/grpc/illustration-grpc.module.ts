import { Module } from '@nestjs/common';

import { IllustrationModule } from '../illustration.module.js';
import { IllustrationReadingModule } from '../illustration-reading.module.js';
import { IllustrateCalls } from './illustrate-calls.js';
import { IllustrationGrpcController } from './illustration.grpc-controller.js';

/** The gRPC face of illustrations. `connectGrpc` opens its listener. */
@Module({
  imports: [IllustrationModule, IllustrationReadingModule],
  controllers: [IllustrationGrpcController],
  providers: [IllustrateCalls],
})
export class IllustrationGrpcModule {}
