import type { LoggerService } from '@nestjs/common';
import type { Logger } from 'nestjs-pino';

/** Parts of Nest that tell at `log` level how they put the application together, some fifty lines at each start. */
const assemblyContexts: ReadonlySet<unknown> = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
]);

/** The logger of the application: JSON lines, and Nest's account of its own assembly only at debug. */
export class ServiceLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, ...rest: unknown[]): void {
    if (assemblyContexts.has(rest.at(-1))) {
      this.logger.debug(message, ...rest);
    } else {
      this.logger.log(message, ...rest);
    }
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.logger.verbose(message, ...rest);
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.logger.debug(message, ...rest);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.logger.warn(message, ...rest);
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.logger.error(message, ...rest);
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.logger.fatal(message, ...rest);
  }
}
