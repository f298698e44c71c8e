import { Module } from '@nestjs/common';

import { UnroutedController } from './unrouted.controller.js';

/** Routes match in the order of the modules: import this one last. */
@Module({ controllers: [UnroutedController] })
export class UnroutedModule {}
