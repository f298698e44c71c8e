import { Logger, ShutdownSignal } from '@nestjs/common';

import { AppModule } from './app.module.js';
import { bootFailureLines } from './boot-failure.js';
import { AppConfig } from './config/app-config.js';
import { AppConfigModule } from './config/config.module.js';
import { createApp } from './http/create-app.js';
import { listen } from './http/listen.js';
import { connectGrpc } from './illustration/grpc/connect-grpc.js';

async function main(): Promise<void> {
  const app = await createApp(AppModule.with(await AppConfigModule.fromEnvironment()));
  app.enableShutdownHooks([ShutdownSignal.SIGTERM, ShutdownSignal.SIGINT], { useProcessExit: true });
  const { http, grpc } = app.get(AppConfig);
  const { host, port } = http;
  const grpcPort = await connectGrpc(app);
  const listeningPort = await listen(app.getHttpServer(), { host, port });
  new Logger('main').log({ host, port: listeningPort }, `listening on http://${host}:${listeningPort}`);
  new Logger('main').log({ host: grpc.host, port: grpcPort }, `listening on grpc://${grpc.host}:${grpcPort}`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${bootFailureLines(error).join('\n')}\n`);
  process.exit(1);
}
