import { Global, Module } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';

import { AppConfig } from '../config/app-config.js';
import { FileObjectStore } from './file/file-object-store.js';
import { ImagesController } from './file/images.controller.js';
import { ServiceAddress } from './file/service-address.js';
import { ObjectKeys } from './object-keys.js';
import { ObjectStore } from './object-store.js';
import { S3ObjectStore } from './s3/s3-object-store.js';

/** Where images live: `ObjectStore` by the adapter the settings name, and `ObjectKeys`. */
@Global()
@Module({
  controllers: [ImagesController],
  providers: [
    {
      provide: ObjectKeys,
      inject: [AppConfig],
      useFactory: ({ keyPrefixes }: AppConfig) => new ObjectKeys(keyPrefixes),
    },
    { provide: ObjectStore, inject: [AppConfig, ObjectKeys, HttpAdapterHost], useFactory: makeStore },
  ],
  exports: [ObjectKeys, ObjectStore],
})
export class StorageModule {}

function makeStore({ store, http }: AppConfig, keys: ObjectKeys, adapterHost: HttpAdapterHost): ObjectStore {
  return store.kind === 's3'
    ? new S3ObjectStore(store, { probeKey: keys.writeProbe() })
    : new FileObjectStore(store, new ServiceAddress(http, adapterHost));
}
