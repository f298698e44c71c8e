import { Global, Module } from '@nestjs/common';

import { Shutdown } from './shutdown.js';

/** How the process ends. Whatever has to end with it goes by `Shutdown`. */
@Global()
@Module({ providers: [Shutdown], exports: [Shutdown] })
export class LifecycleModule {}
