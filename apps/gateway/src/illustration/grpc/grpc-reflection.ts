import { fromJsonString, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import type { Server } from '@grpc/grpc-js';
import type { PackageDefinition } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';

import publicDescriptors from '../../generated/public-descriptors.json' with { type: 'json' };

/**
 * Server reflection (v1 and v1alpha): what `/docs` is over HTTP. The descriptors are buf's; proto-loader makes its own, in
 * which a file does not name the files it depends on, and Go clients (grpcurl) refuse them.
 */
export function addReflection(server: Server): void {
  const { file } = fromJsonString(FileDescriptorSetSchema, JSON.stringify(publicDescriptors));
  const fileDescriptorProtos = file.map((one) => Buffer.from(toBinary(FileDescriptorProtoSchema, one)));
  // Of a package definition, the reflection service reads the descriptors of the files alone.
  const definition: PackageDefinition = {
    'autobio.illustration.v1': { format: 'Protocol Buffer 3 EnumDescriptorProto', type: {}, fileDescriptorProtos },
  };
  new ReflectionService(definition).addToServer(server);
}
