import { once } from 'node:events';
import type { Server } from 'node:http';

/**
 * Opens the listener. Not `app.listen`, which logs a failure by itself before the caller can say it better.
 *
 * @returns the port, which the system chose when `port` is 0.
 */
export async function listen(server: Server, at: { host: string; port: number }): Promise<number> {
  server.listen(at.port, at.host.replace(/^\[|\]$/g, ''));
  await once(server, 'listening');
  const address = server.address();
  return address !== null && typeof address === 'object' ? address.port : at.port;
}
