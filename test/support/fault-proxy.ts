// A proxy in front of a real HTTP server (S3 here) that can fail in the ways servers and networks do.
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Fault =
  /** Answered with this status, the server not being asked; `times` undefined: for ever. */
  | { kind: 'status'; status: number; code: string; times?: number }
  /** Accepted, and never answered. */
  | { kind: 'silence' }
  /** The header and this much of the body, then nothing. */
  | { kind: 'stall'; afterBytes: number }
  /** The header and this much of the body, then the connection closes. */
  | { kind: 'truncate'; afterBytes: number }
  /** The server does what it was asked, and the connection breaks before its answer; once. */
  | { kind: 'reset-after-write' }
  /** The connection breaks at once. */
  | { kind: 'reset' };

export class FaultProxy {
  /** What the next requests meet; undefined: nothing, they go through. */
  fault: Fault | undefined;
  /** Requests that came, as `GET /bucket/key`. */
  readonly seen: string[] = [];
  private count = 0;

  private constructor(
    private readonly server: Server,
    private readonly target: URL,
  ) {}

  static async start(targetUrl: string): Promise<FaultProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const proxy = new FaultProxy(server, new URL(targetUrl));
    server.on('request', (incoming, outgoing) => proxy.answer(incoming, outgoing));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Meets requests with a fault from now on. */
  fail(fault: Fault): void {
    this.fault = fault;
    this.count = 0;
  }

  heal(): void {
    this.fault = undefined;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private answer(incoming: IncomingMessage, outgoing: ServerResponse): void {
    this.seen.push(`${incoming.method} ${incoming.url?.split('?')[0]}`);
    const { fault } = this;
    this.count += 1;
    switch (fault?.kind) {
      case 'status':
        if (fault.times !== undefined && this.count > fault.times) return this.pass(incoming, outgoing);
        outgoing.writeHead(fault.status, { 'Content-Type': 'application/xml' });
        outgoing.end(
          incoming.method === 'HEAD' ? '' : `<Error><Code>${fault.code}</Code><Message>no</Message></Error>`,
        );
        incoming.resume();
        return;
      case 'silence':
        incoming.resume();
        return;
      case 'reset':
        incoming.socket.resetAndDestroy();
        return;
      case 'reset-after-write':
        if (this.count > 1) return this.pass(incoming, outgoing);
        return this.pass(incoming, outgoing, () => incoming.socket.resetAndDestroy());
      case 'stall':
      case 'truncate':
        return this.cut(incoming, outgoing, fault);
      case undefined:
        return this.pass(incoming, outgoing);
    }
  }

  /** @param instead called with the server's answer there, in place of passing it on */
  private pass(incoming: IncomingMessage, outgoing: ServerResponse, instead?: () => void): void {
    this.ask(incoming, outgoing, (reply) => {
      if (instead !== undefined) {
        reply.resume().once('end', instead);
        return;
      }
      outgoing.writeHead(reply.statusCode ?? 500, reply.headers);
      reply.pipe(outgoing);
    });
  }

  private cut(incoming: IncomingMessage, outgoing: ServerResponse, fault: Fault & { afterBytes: number }): void {
    this.ask(incoming, outgoing, (reply) => {
      outgoing.writeHead(reply.statusCode ?? 500, reply.headers);
      const chunks: Buffer[] = [];
      reply.on('data', (chunk: Buffer) => chunks.push(chunk));
      reply.once('end', () => {
        outgoing.write(Buffer.concat(chunks).subarray(0, fault.afterBytes));
        if (fault.kind === 'truncate') setImmediate(() => outgoing.destroy());
      });
    });
  }

  /** The host header goes through as it is: the signature covers it. */
  private ask(incoming: IncomingMessage, outgoing: ServerResponse, onReply: (reply: IncomingMessage) => void): void {
    const { hostname, port } = this.target;
    const { method, url: path, headers } = incoming;
    const asking = request({ hostname, port, method, path, headers }, onReply);
    asking.on('error', () => outgoing.destroy());
    incoming.pipe(asking);
  }
}
