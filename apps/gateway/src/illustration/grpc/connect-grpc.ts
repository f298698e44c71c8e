import type { INestApplication } from '@nestjs/common';

import { AuthenticatedCalls } from '../../auth/authenticated-calls.js';
import { Authenticator } from '../../auth/authenticator.js';
import { AppConfig } from '../../config/app-config.js';
import { ReadinessChecks } from '../../health/readiness.js';
import { askForCredential, logCalls, traceCalls } from './call-interceptors.js';
import { GrpcHealth, healthDefinition } from './grpc-health.js';
import { addReflection } from './grpc-reflection.js';
import { GatewayGrpcServer } from './grpc-server.js';

const serviceName = 'autobio.illustration.v1.IllustrationService';

/**
 * Opens the gRPC face of the application: the illustration service, health, and reflection where documentation is on.
 *
 * @returns the port listened on
 * @throws GrpcListenError
 */
export async function connectGrpc(app: INestApplication): Promise<number> {
  const { grpc, http } = app.get(AppConfig);
  const readiness = app.get(ReadinessChecks, { strict: false });
  const health = new GrpcHealth([serviceName], async () => (await readiness.takesTraffic()).isReady);
  const credential = askForCredential(
    app.get(Authenticator, { strict: false }),
    app.get(AuthenticatedCalls, { strict: false }),
  );
  const strategy = new GatewayGrpcServer({
    ...grpc,
    interceptors: [logCalls, traceCalls, credential],
    extend: (server) => {
      server.addService(healthDefinition, { check: health.check, watch: health.watch });
      if (http.isDocsEnabled) addReflection(server);
    },
    beforeClose: () => health.stop(),
  });
  app.connectMicroservice({ strategy }, { inheritAppConfig: true });
  await app.startAllMicroservices();
  return strategy.port;
}
