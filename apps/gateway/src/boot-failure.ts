import { ConfigError } from './config/config-error.js';
import { FolderInUseError } from './database/folder-lock.js';
import { GrpcListenError } from './illustration/grpc/grpc-listen.error.js';

/** Why the service does not start, one line each. A stack only where nothing better is known. */
export function bootFailureLines(error: unknown): string[] {
  if (error instanceof ConfigError) {
    return error.problems.map((problem) => `configuration: ${problem}`);
  }
  if (error instanceof GrpcListenError || error instanceof FolderInUseError) {
    return [error.message];
  }
  const { code, port } = error instanceof Error ? (error as NodeJS.ErrnoException & { port?: number }) : {};
  switch (code) {
    case 'EADDRINUSE':
      return [`cannot listen: port ${port} is in use; set PORT to another one`];
    case 'EACCES':
      return [`cannot listen: this user may not use port ${port}`];
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return ['cannot listen: HOST is not an address of this machine'];
    case undefined:
    default:
      return [`cannot start: ${error instanceof Error ? error.stack : String(error)}`];
  }
}
