import type { HttpAdapterHost } from '@nestjs/core';

import type { AppConfig } from '../../config/app-config.js';

/**
 * The address a browser reaches the gateway under, without a trailing slash: `SERVICE_URL`, else the one it listens on.
 * Asked at each use, because `PORT=0` is only known after listening.
 */
export class ServiceAddress {
  constructor(
    private readonly http: Pick<AppConfig['http'], 'host' | 'port' | 'serviceUrl'>,
    private readonly adapterHost: Pick<HttpAdapterHost, 'httpAdapter'>,
  ) {}

  url(): string {
    return this.http.serviceUrl ?? `http://${this.reachableHost()}:${this.listeningPort()}`;
  }

  private reachableHost(): string {
    const { host } = this.http;
    // Every interface is not an address to connect to; the laptop's own is.
    if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
    return host.includes(':') ? `[${host}]` : host;
  }

  private listeningPort(): number {
    const server: unknown = this.adapterHost.httpAdapter?.getHttpServer();
    const address = isListener(server) ? server.address() : null;
    return address !== null && typeof address === 'object' ? address.port : this.http.port;
  }
}

function isListener(server: unknown): server is { address(): { port: number } | string | null } {
  return typeof server === 'object' && server !== null && 'address' in server && typeof server.address === 'function';
}
