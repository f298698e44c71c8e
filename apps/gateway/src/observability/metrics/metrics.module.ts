import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';

import { MetricsServer } from './metrics-server.js';

/** `/metrics`, if the settings ask for it. */
@Module({})
export class MetricsModule {
  /** @param illustrators a module that exports `Illustrator` */
  static watching(illustrators: NonNullable<ModuleMetadata['imports']>[number]): DynamicModule {
    return { module: MetricsModule, imports: [illustrators], providers: [MetricsServer], exports: [MetricsServer] };
  }
}
