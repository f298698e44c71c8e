import type { Server } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { findPackageJSON } from 'node:module';
import path from 'node:path';

/** The only place that needs the .proto files at run time. Sources and compiled code lie at different depths below it. */
function protoFolder(): string {
  const packageJson = findPackageJSON(import.meta.url);
  if (packageJson === undefined) throw new Error('there is no package.json above the code');
  return path.join(path.dirname(packageJson), 'proto');
}

/** Server reflection (v1 and v1alpha): what `/docs` is over HTTP. */
export function addReflection(server: Server): void {
  const definition = loadSync('autobio/illustration/v1/illustration.proto', { includeDirs: [protoFolder()] });
  new ReflectionService(definition).addToServer(server);
}
